import { resolve } from "node:path";
import { expect, test } from "vitest";
import { parsePlace } from "./place.js";

test.each([
  ["unix:/run/a.sock", { path: "/run/a.sock" }],
  ["unix:///run/a.sock", { path: "/run/a.sock" }],
  ["unix:a.sock", { path: resolve("a.sock") }],
  [":8890", { host: "127.0.0.1", port: 8890 }],
  ["localhost:0", { host: "localhost", port: 0 }],
  ["0.0.0.0:1", { host: "0.0.0.0", port: 1 }],
  ["[::1]:1", { host: "::1", port: 1 }],
])("%s is a place", (address, place) => {
  expect(parsePlace(address)).toEqual(place);
});

test.each(["", "8890", "unix:", "localhost", "localhost:", "localhost:65536", "localhost:-1"])(
  "%j is none",
  (address) => {
    expect(() => parsePlace(address)).toThrow(
      `the address is unix:PATH or HOST:PORT, not ${JSON.stringify(address)}: invalid argument`,
    );
  },
);
