import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { abortError, kindOfStatus } from "./errors.js";
import { parseSocketAddress } from "./socket-address.js";

test.each([
  [status.NOT_FOUND, "x: not found", "not_found"],
  [status.UNKNOWN, "cannot start a running process: unknown", "unknown"],
  [status.UNIMPLEMENTED, "unknown service", "not_implemented"],
  [status.FAILED_PRECONDITION, "x: failed precondition", "failed_precondition"],
  [status.FAILED_PRECONDITION, "x: conflict", "conflict"],
  [status.FAILED_PRECONDITION, "x: not modified", "not_modified"],
  [status.UNAVAILABLE, "x: conflict", "unavailable"],
  [99, "x", "unknown"],
])("status %i with %j is %s", (code, message, kind) => {
  expect(kindOfStatus(code, message)).toBe(kind);
});

test("an abort is a cancellation, a timeout a passed deadline", () => {
  expect(abortError(AbortSignal.abort()).kind).toBe("cancelled");
  expect(abortError(AbortSignal.abort(new DOMException("late", "TimeoutError"))).kind).toBe("deadline_exceeded");
});

test.each([
  ["/run/x.sock", "/run/x.sock"],
  ["unix:///run/x.sock", "/run/x.sock"],
  ["unix:/run/x.sock", "/run/x.sock"],
])("address %s is the socket %s", (address, path) => {
  expect(parseSocketAddress(address)).toBe(path);
});

test.each(["", "unix://", "tcp://127.0.0.1:80", `/${"x".repeat(107)}`, "a\0b"])("address %j is refused", (address) => {
  expect(() => parseSocketAddress(address)).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
});
