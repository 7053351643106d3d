import { status as Code } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ContainerdError, ERROR_CLASSES, type ErrorKind } from "../../api/core/errors.js";
import { toStatus } from "./status.js";

describe("toStatus", () => {
  test.each<[ErrorKind, Code]>([
    ["invalid_argument", Code.INVALID_ARGUMENT],
    ["not_found", Code.NOT_FOUND],
    ["already_exists", Code.ALREADY_EXISTS],
    ["permission_denied", Code.PERMISSION_DENIED],
    ["resource_exhausted", Code.RESOURCE_EXHAUSTED],
    ["failed_precondition", Code.FAILED_PRECONDITION],
    ["conflict", Code.FAILED_PRECONDITION],
    ["not_modified", Code.FAILED_PRECONDITION],
    ["aborted", Code.ABORTED],
    ["out_of_range", Code.OUT_OF_RANGE],
    ["not_implemented", Code.UNIMPLEMENTED],
    ["internal", Code.INTERNAL],
    ["unavailable", Code.UNAVAILABLE],
    ["data_loss", Code.DATA_LOSS],
    ["unauthenticated", Code.UNAUTHENTICATED],
    ["cancelled", Code.CANCELLED],
    ["deadline_exceeded", Code.DEADLINE_EXCEEDED],
    ["unknown", Code.UNKNOWN],
  ])("%s travels as %s", (kind, code) => {
    expect(toStatus(new ContainerdError(kind, "subject: class"))).toEqual({ code, details: "subject: class" });
  });

  test("every kind has a code", () => {
    for (const kind of Object.keys(ERROR_CLASSES)) {
      expect(toStatus(Object.assign(new Error("x"), { kind })).code).toBeGreaterThan(0);
    }
  });

  test("what is no error of ours is unknown, with its message", () => {
    expect(toStatus(new TypeError("oops"))).toEqual({ code: Code.UNKNOWN, details: "oops" });
    expect(toStatus("thrown text")).toEqual({ code: Code.UNKNOWN, details: "thrown text" });
  });

  test("aborted signals keep their meaning", () => {
    expect(toStatus(AbortSignal.abort().reason).code).toBe(Code.CANCELLED);
    expect(toStatus(new DOMException("late", "TimeoutError")).code).toBe(Code.DEADLINE_EXCEEDED);
  });

  test("half a surrogate pair becomes printable", () => {
    expect(() => encodeURI(toStatus(new Error("a\ud800b")).details)).not.toThrow();
  });

  test("trailers go along, texts and bytes", () => {
    const trailers = { "ctr-failed-index": "1", "ctr-partial-response-bin": new Uint8Array([0, 255]) };
    const { metadata } = toStatus(new ContainerdError("unknown", "oops", { trailers }));
    expect(metadata?.getMap()).toEqual({
      "ctr-failed-index": "1",
      "ctr-partial-response-bin": Buffer.from([0, 255]),
    });
  });

  test("a message too long for a header keeps its beginning and its class", () => {
    const { details } = toStatus(new ContainerdError("not_found", `container "${"x".repeat(1 << 20)}": not found`));
    expect(details.length).toBeLessThan(10_000);
    expect(details).toMatch(/^container "xxx/);
    expect(details).toMatch(/: not found$/);
  });
});
