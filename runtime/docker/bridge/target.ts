// What a stream leads to at the engine: a container, which may be attached again and again, or an exec, whose start is its stream.
import type { Duplex } from "node:stream";
import * as z from "zod";
import { invalidArgument, isNotFound } from "../../../api/core/errors.js";
import type { StreamRequest } from "../../bridge/protocol.js";
import type { SourceStatus } from "../../bridge/source.js";
import { ATTACH_DETACH_KEYS } from "./detach-keys.js";
import { askEngine, openEngineStream } from "./engine-http.js";
import { inspectExec, startExec } from "./exec-start.js";

/** Docker's own ids, which become part of a path. */
const dockerId = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/);
/** `host` is where the engine listens. */
const targetSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("container"), host: z.string(), dockerId, openStdin: z.boolean() }),
  z.strictObject({ kind: z.literal("exec"), host: z.string(), dockerId }),
]);
/** As the client names it. */
export type DockerTarget = z.infer<typeof targetSchema>;

export interface Target {
  /** Whether the stream may be opened once more when it has broken off. */
  readonly isReopenable: boolean;
  /** @throws as the engine answers; unavailable. */
  open(signal: AbortSignal): Promise<Duplex>;
  /** `exited` also for what is gone for good. @throws unavailable, … */
  status(signal: AbortSignal): Promise<SourceStatus>;
}

const containerSchema = z.object({ State: z.object({ Status: z.string() }) });

/** @throws invalid_argument for what is none. */
export function targetOf({ target, stdio }: StreamRequest): Target {
  const parsed = targetSchema.safeParse(target);
  if (!parsed.success) throw invalidArgument(`docker bridge: ${z.prettifyError(parsed.error)}`);
  return parsed.data.kind === "container" ? containerTarget(parsed.data, stdio) : execTarget(parsed.data, stdio);
}

function containerTarget(
  { host, dockerId: id, openStdin }: Extract<DockerTarget, { kind: "container" }>,
  { stdin: input }: StreamRequest["stdio"],
): Target {
  const stdin = openStdin && input !== "" ? 1 : 0;
  const query = `stream=1&stdin=${stdin}&stdout=1&stderr=1&detachKeys=${ATTACH_DETACH_KEYS}`;
  return {
    isReopenable: true,
    open: (signal) => openEngineStream({ host, method: "POST", path: `/containers/${id}/attach?${query}`, signal }),
    status: (signal) =>
      unlessGone(async () => {
        const said = await askEngine({ host, method: "GET", path: `/containers/${id}/json`, signal });
        return statusOf(containerSchema.parse(said).State.Status);
      }),
  };
}

function execTarget(
  { host, dockerId: id }: Extract<DockerTarget, { kind: "exec" }>,
  { terminal }: StreamRequest["stdio"],
): Target {
  const exec = { host, dockerId: id, isTerminal: terminal };
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
function statusOf(status: string): SourceStatus {
  if (["created", "configured", "initialized"].includes(status)) return "created";
  return ["running", "paused", "restarting", "stopping"].includes(status) ? "running" : "exited";
}

async function unlessGone(ask: () => Promise<SourceStatus>): Promise<SourceStatus> {
  try {
    return await ask();
  } catch (error) {
    if (isNotFound(error)) return "exited";
    throw error;
  }
}
