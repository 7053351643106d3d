// Who answers at Docker's API: Docker itself, or Podman, which means other things by a few of the same calls.
import { IncomingMessage } from "node:http";
import type Dockerode from "dockerode";
import { unknownError } from "../../api/core/errors.js";
import type { Engine } from "./engine.js";

export type EngineKind = "docker" | "podman";

/** Podman says so in a header of its own. The call for its version would start programs first. */
const PODMAN_HEADER = "libpod-api-version";

/** What was found out once. */
const kinds = new WeakMap<Engine, EngineKind>();

/** Asks once for all. @throws unavailable, deadline_exceeded. */
export async function engineKind(engine: Engine, signal?: AbortSignal): Promise<EngineKind> {
  const known = kinds.get(engine);
  if (known !== undefined) return known;
  const headers = await engine.call("ping", pingHeaders, { signal });
  const kind = PODMAN_HEADER in headers ? "podman" : "docker";
  kinds.set(engine, kind);
  return kind;
}

/** The client's own ping keeps only the body. */
function pingHeaders(docker: Dockerode, abortSignal: AbortSignal): Promise<IncomingMessage["headers"]> {
  return new Promise((resolve, reject) => {
    const request = { path: "/_ping", method: "GET", isStream: true, statusCodes: { 200: true }, abortSignal };
    docker.modem.dial(request, (error: unknown, response: unknown) => {
      if (error !== null && error !== undefined) return reject(error);
      if (!(response instanceof IncomingMessage)) return reject(unknownError("docker: no answer to a ping"));
      response.on("error", () => {}).resume();
      resolve(response.headers);
    });
  });
}
