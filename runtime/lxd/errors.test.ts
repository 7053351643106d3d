import { expect, test } from "vitest";
import { type ErrorKind, notFound } from "../../api/core/errors.js";
import { LxdRefusal, lxdError } from "./errors.js";

test.each<{ name: string; given: unknown; refusal?: ErrorKind; kind: ErrorKind; message: string }>([
  {
    name: "a status",
    given: new LxdRefusal(404, "Instance not found"),
    kind: "not_found",
    message: "lxd: start instance web: Instance not found: not found",
  },
  {
    name: "a status of no kind",
    given: new LxdRefusal(500, "Failed to run"),
    kind: "unknown",
    message: "lxd: start instance web: Failed to run",
  },
  {
    name: "bad words",
    given: new LxdRefusal(400, "Unknown action"),
    kind: "invalid_argument",
    message: "lxd: start instance web: Unknown action: invalid argument",
  },
  {
    name: "a bad moment",
    given: new LxdRefusal(400, "Instance is running"),
    refusal: "failed_precondition",
    kind: "failed_precondition",
    message: "lxd: start instance web: Instance is running: failed precondition",
  },
  {
    name: "nobody there",
    given: Object.assign(new Error("connect ENOENT /s"), { code: "ENOENT" }),
    kind: "unavailable",
    message: "lxd: start instance web: connect ENOENT /s: unavailable",
  },
  {
    name: "a caller that gave up",
    given: new DOMException("aborted", "AbortError"),
    kind: "cancelled",
    message: "lxd: start instance web: context canceled",
  },
  { name: "an error of ours", given: notFound("x"), kind: "not_found", message: "x: not found" },
])("$name", ({ given, refusal, kind, message }) => {
  expect(lxdError(given, "start instance web", refusal)).toMatchObject({ kind, message });
});
