import { expect, test } from "vitest";
import { anyOfJson } from "../../../api/core/typeurl.js";
import { LXD_OPTIONS_TYPE, parseLxdOptions } from "./options.js";

test.each([
  { image: { alias: "web" } },
  { image: { fingerprint: "0123456789ab" } },
  { image: { server: "https://images.example", alias: "debian/12" } },
])("%o is taken", (given) => {
  expect(parseLxdOptions(anyOfJson(LXD_OPTIONS_TYPE, given))).toEqual({
    ...given,
    config: {},
    devices: {},
    profiles: ["default"],
  });
});

test.each([
  {},
  { image: {} },
  { image: { alias: "" } },
  { image: { alias: "a", fingerprint: "b" } },
  { image: { server: "http://images.example", alias: "a" } },
  { image: { alias: "a" }, config: { x: 1 } },
  { image: { alias: "a" }, other: true },
])("%o is refused", (given) => {
  expect(() => parseLxdOptions(anyOfJson(LXD_OPTIONS_TYPE, given))).toThrow(
    expect.objectContaining({ kind: "invalid_argument" }),
  );
});

test("none are refused, too: nothing else names an image", () => {
  expect(() => parseLxdOptions(undefined)).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
});
