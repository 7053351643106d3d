// Kinds and codes, both ways.
import { describe, expect, test } from "vitest";
import { ContainerdError, ERROR_CLASSES, type ErrorKind, errorOf } from "../../api/core/errors.js";
import { fromStatus, toStatus } from "./status.js";

const KINDS = Object.keys(ERROR_CLASSES) as ErrorKind[];

test.each(KINDS)("%s survives the wire", (kind) => {
  const error = errorOf(kind, "subject");
  expect(fromStatus(toStatus(error))).toMatchObject({ kind, message: error.message });
});

describe("messages", () => {
  test.each([
    {
      code: 2,
      message: "cannot start a stopped process",
      kind: "unknown",
      want: "cannot start a stopped process: unknown",
    },
    {
      code: 5,
      message: "container not created: not found",
      kind: "not_found",
      want: "container not created: not found",
    },
    { code: 5, message: "not found", kind: "not_found", want: "not found" },
    { code: 5, message: "", kind: "not_found", want: "not found" },
    { code: 9, message: "x: conflict", kind: "conflict", want: "x: conflict" },
    { code: 9, message: "x", kind: "failed_precondition", want: "x: failed precondition" },
    { code: 4, message: "context deadline exceeded", kind: "deadline_exceeded", want: "context deadline exceeded" },
    { code: 99, message: "x", kind: "unknown", want: "x: unknown" },
    { code: -1, message: "x", kind: "unknown", want: "x: unknown" },
  ])("$code $message", ({ code, message, kind, want }) => {
    expect(fromStatus({ code, message })).toMatchObject({ kind, message: want });
  });

  test.each([
    { name: "an error of no kind", error: new Error("plain"), want: { code: 2, message: "plain" } },
    { name: "no error at all", error: "text", want: { code: 2, message: "text" } },
    { name: "an aborted signal", error: AbortSignal.abort().reason, want: { code: 1 } },
    {
      name: "a signal that timed out",
      error: new DOMException("late", "TimeoutError"),
      want: { code: 4, message: "late" },
    },
    { name: "a kind", error: new ContainerdError("unavailable", "x"), want: { code: 14, message: "x" } },
  ])("$name", ({ error, want }) => {
    expect(toStatus(error)).toMatchObject(want);
  });
});
