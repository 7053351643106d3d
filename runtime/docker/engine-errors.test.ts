// What failed calls come to: Docker's statuses, and Podman's, which says by a field what Docker says by 409.
import { expect, test } from "vitest";
import { engineError } from "./engine-errors.js";

const CALL = { host: "unix:///e.sock", what: "kill container x", conflict: "failed_precondition" } as const;

/** As the client throws what an engine refused. */
const refusal = (statusCode: number, json: object): Error =>
  Object.assign(new Error(`(HTTP code ${statusCode}) unexpected`), { statusCode, json });

test.each([
  ["a missing container", 404, { message: "No such container: x" }, "not_found"],
  ["a conflict of Docker's", 409, { message: "Container x is not running" }, "failed_precondition"],
  [
    "a wrong state of Podman's",
    500,
    { cause: "container state improper", message: "can only kill running containers", response: 500 },
    "failed_precondition",
  ],
  [
    "a taken name of Podman's",
    500,
    { cause: "that name is already in use", message: "creating container storage: x", response: 500 },
    "failed_precondition",
  ],
  ["any other failure of Podman's", 500, { cause: "OCI runtime error", message: "runc: no", response: 500 }, "unknown"],
])("%s", (_name, status, json, kind) => {
  const error = engineError(refusal(status, json), CALL);
  expect(error).toMatchObject({ kind, message: expect.stringContaining(`docker: kill container x: ${json.message}`) });
});

test("nobody there is unavailable and names the place", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  expect(engineError(refused, CALL)).toMatchObject({
    kind: "unavailable",
    message: expect.stringContaining("docker engine at unix:///e.sock: kill container x: connect ECONNREFUSED"),
  });
});

test.each([
  [
    "(HTTP code 404) unexpected - manifest for x not found: manifest unknown ",
    "not_found",
    "docker: kill container x: manifest for x not found: manifest unknown",
  ],
  [
    "(HTTP code 404) unexpected - Not Found ",
    "not_implemented",
    "docker engine at unix:///e.sock: kill container x: no such call",
  ],
  ["(HTTP code 500) server error - a\nb ", "unknown", "docker: kill container x: a\nb"],
])("of a call whose answer is a stream the words are kept: %j", (message, kind, want) => {
  const statusCode = Number(/\d+/.exec(message)?.[0]);
  const refused = Object.assign(new Error(message), { statusCode, json: null });
  expect(engineError(refused, CALL)).toMatchObject({ kind, message: expect.stringContaining(want) });
});
