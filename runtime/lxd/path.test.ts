import { expect, test } from "vitest";
import { lxdPath, withQuery } from "./path.js";

test.each([
  ["web", "/1.0/instances/web/state"],
  ["a/b?c#d", "/1.0/instances/a%2Fb%3Fc%23d/state"],
  ["../x", "/1.0/instances/..%2Fx/state"],
  ["ü", "/1.0/instances/%C3%BC/state"],
])("the name %s", (name, path) => {
  expect(lxdPath`/1.0/instances/${name}/state`).toBe(path);
});

test.each(["", ".", ".."])("the name '%s' is none", (name) => {
  expect(() => lxdPath`/1.0/instances/${name}/state`).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
});

test("a query", () => {
  expect(withQuery("/1.0/instances", { path: "/etc/a b", project: undefined })).toBe(
    "/1.0/instances?path=%2Fetc%2Fa+b",
  );
  expect(withQuery("/1.0/instances", {})).toBe("/1.0/instances");
});
