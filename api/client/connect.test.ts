import { expect, test } from "vitest";
import { connect } from "./connect.js";

/** What a caller in JavaScript can do: no type checker is in the way there. */
const connectAsJavaScript: (options?: unknown) => unknown = connect as (options?: unknown) => unknown;

test.each([
  ["nothing", undefined, "options must be an object: invalid argument"],
  ["null", null, "options must be an object: invalid argument"],
  ["a path alone", "/run/x.sock", "options must be an object: invalid argument"],
  ["no address", {}, "address must be a string: invalid argument"],
  ["a number as address", { address: 8082 }, "address must be a string: invalid argument"],
  ["a number as namespace", { address: "/x", namespace: 1 }, "namespace must be a string: invalid argument"],
  ["null as lease", { address: "/x", leaseId: null }, "leaseId must be a string: invalid argument"],
])("connect with %s is refused in words", (_, options, message) => {
  expect(() => connectAsJavaScript(options)).toThrow(expect.objectContaining({ kind: "invalid_argument", message }));
});
