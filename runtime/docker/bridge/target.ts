// What a stream leads to at the engine: a container, which may be attached again and again, or an exec, whose start is its stream.
import type { Duplex } from "node:stream";
import * as z from "zod";
import { isNotFound } from "../../../api/core/errors.js";
import { ATTACH_DETACH_KEYS } from "./detach-keys.js";
import { askEngine, openEngineStream } from "./engine-http.js";
import { inspectExec, startExec } from "./exec-start.js";
import type { StreamRequest } from "./protocol.js";

export type TargetStatus = "created" | "running" | "exited";

export interface Target {
  /** Whether the stream may be opened once more when it has broken off. */
  readonly isReopenable: boolean;
  /** @throws as the engine answers; unavailable. */
  open(signal: AbortSignal): Promise<Duplex>;
  /** `exited` also for what is gone for good. @throws unavailable, … */
  status(signal: AbortSignal): Promise<TargetStatus>;
}

const containerSchema = z.object({ State: z.object({ Status: z.string() }) });

export function targetOf(request: StreamRequest): Target {
  return request.verb === "attach" ? containerTarget(request) : execTarget(request);
}

function containerTarget(request: Extract<StreamRequest, { verb: "attach" }>): Target {
  const { host, dockerId, stdio, openStdin } = request;
  const stdin = openStdin && stdio.stdin !== "" ? 1 : 0;
  const query = `stream=1&stdin=${stdin}&stdout=1&stderr=1&detachKeys=${ATTACH_DETACH_KEYS}`;
  return {
    isReopenable: true,
    open: (signal) =>
      openEngineStream({ host, method: "POST", path: `/containers/${dockerId}/attach?${query}`, signal }),
    status: (signal) =>
      unlessGone(async () => {
        const said = await askEngine({ host, method: "GET", path: `/containers/${dockerId}/json`, signal });
        return statusOf(containerSchema.parse(said).State.Status);
      }),
  };
}

function execTarget({ host, dockerId, stdio }: Extract<StreamRequest, { verb: "exec" }>): Target {
  const exec = { host, dockerId, isTerminal: stdio.terminal };
  return {
    isReopenable: false,
    open: (signal) => startExec(exec, signal),
    status: (signal) => unlessGone(async () => ((await inspectExec(exec, signal)).Running ? "running" : "exited")),
  };
}

/** Starts an exec whose stdio nobody wants. @throws as the engine answers; unavailable. */
export async function startDetached(host: string, dockerExecId: string, signal?: AbortSignal): Promise<void> {
  await askEngine({ host, method: "POST", path: `/exec/${dockerExecId}/start`, body: { Detach: true }, signal });
}

/** An engine has more words: paused, restarting, dead, removing. */
function statusOf(status: string): TargetStatus {
  if (["created", "configured", "initialized"].includes(status)) return "created";
  return ["running", "paused", "restarting", "stopping"].includes(status) ? "running" : "exited";
}

async function unlessGone(ask: () => Promise<TargetStatus>): Promise<TargetStatus> {
  try {
    return await ask();
  } catch (error) {
    if (isNotFound(error)) return "exited";
    throw error;
  }
}
