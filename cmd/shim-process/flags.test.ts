// Command lines as containerd writes them, and where they lead a shim's socket.
import { expect, test } from "vitest";
import { parseFlags } from "./flags.js";
import { socketPlace } from "./socket-place.js";

test("the command line of containerd 1.6", () => {
  const line = "-namespace ns -address /a.sock -publish-binary /usr/bin/containerd -id c1 -bundle /b/c1 -debug delete";
  expect(parseFlags(line.split(" "))).toEqual({
    namespace: "ns",
    id: "c1",
    address: "/a.sock",
    bundle: "/b/c1",
    debug: true,
    version: false,
    info: false,
    action: "delete",
  });
});

test("flags in the other forms that Go takes", () => {
  expect(parseFlags(["--namespace=ns", "-id=a", "-debug=false", "start"])).toMatchObject({
    namespace: "ns",
    id: "a",
    debug: false,
    action: "start",
  });
  expect(parseFlags(["-v"])).toMatchObject({ version: true });
  expect(parseFlags(["-info"])).toMatchObject({ info: true });
});

test.each([
  [["-id", "a", "start"], "shim namespace cannot be empty"],
  [["-namespace", "../x", "start"], "identifier"],
  [["-namespace", "ns", "-id", "a/b", "delete"], "identifier"],
  [["-namespace", "ns", "delete"], "identifier"],
  [["-namespace"], "flag needs an argument: -namespace"],
  [["-frob", "start"], "flag provided but not defined: -frob"],
])("%j is refused", (argv, message) => {
  expect(() => parseFlags(argv)).toThrow(message);
});

test("a socket is that of one namespace of one daemon, and of no other kind of shim", () => {
  const root = { uid: 0, runtimeDir: undefined };
  const places = [
    socketPlace("/a.sock", "ns", root),
    socketPlace("/b.sock", "ns", root),
    socketPlace("/a.sock", "other", root),
  ];
  expect(new Set(places)).toHaveProperty("size", places.length);
  for (const place of places) expect(place).toMatch(/^\/run\/containerd\/s\/[0-9a-f]{64}$/);
});

test("a user's socket is below the user's runtime folder, unless that is no place for one", () => {
  const of = (runtimeDir: string | undefined) => socketPlace("/a.sock", "ns", { uid: 7, runtimeDir });
  expect(of("/run/user/7")).toMatch(/^\/run\/user\/7\/berth\/s\/[0-9a-f]{64}$/);
  for (const none of [undefined, "", "relative", `/${"long".repeat(20)}`]) {
    expect(of(none)).toMatch(/^\/tmp\/berth-7\/s\/[0-9a-f]{64}$/);
  }
});
