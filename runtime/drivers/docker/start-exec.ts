// The start of an exec at the engine: registered there, run with its streams, and its pid.
import { setTimeout as sleep } from "node:timers/promises";
import { unknownError } from "../../../api/core/errors.js";
import type { Stdio } from "../../../api/core/task.js";
import type { Engine } from "../../docker/engine.js";
import { engineKind } from "../../docker/engine-kind.js";
import type { ExecCreate } from "./exec-spec.js";
import { hasStdio, type Streams } from "./streams.js";
import { type ExecView, viewExec } from "./views.js";

/** What may wait for stdio. */
const START_TIMEOUT_MS = 600_000;
/** As shells and engines say it. */
const NOT_BEGUN: ReadonlySet<number> = new Set([125, 126, 127]);
/** Between looks whether an exec has a process yet. */
const LOOK_MS = 10;
/** Podman learns of the end of an exec at once only while somebody listens to it. */
const LISTENED_TO: Partial<Stdio> = { stdout: "file:///dev/null" };

/** The streams that an exec is started with: what its client asked for, and what its engine needs. */
export async function streamsOf(engine: Engine, { stdin, stdout, stderr, terminal }: Stdio): Promise<Stdio> {
  const stdio = { stdin, stdout, stderr, terminal };
  const isPodman = !hasStdio(stdio) && (await engineKind(engine)) === "podman";
  return isPodman ? { ...stdio, ...LISTENED_TO } : stdio;
}

/** @returns the engine's id of it. */
export async function registerExec(
  engine: Engine,
  containerId: string,
  create: ExecCreate,
  stdio: Stdio,
): Promise<string> {
  const exec = await engine.call(`add a process to container ${containerId}`, (docker, abortSignal) =>
    docker.getContainer(containerId).exec({ ...create, AttachStdout: stdio.stdout !== "", abortSignal }),
  );
  return exec.id;
}

export interface StartExec {
  readonly namespace: string;
  /** Of the task. */
  readonly id: string;
  readonly dockerExecId: string;
  readonly stdio: Stdio;
}

/** Resolves when it runs, or has run. @throws kind unknown when its program cannot be run; what the engine and the bridge say. */
export async function startExec(engine: Engine, streams: Streams, request: StartExec): Promise<ExecView> {
  const { dockerExecId, stdio } = request;
  if (hasStdio(stdio)) await streams.startExec(dockerExecId, request);
  else await startDetached(engine, dockerExecId, stdio.terminal);
  // With streams, the start is on its way when they are open.
  for (const deadlineMs = performance.now() + START_TIMEOUT_MS; ; await sleep(LOOK_MS)) {
    const view = await viewExec(engine, dockerExecId);
    if (view.pid !== 0) return view;
    if (view.exitStatus !== undefined) {
      // One that could not begin has no other status.
      if (!NOT_BEGUN.has(view.exitStatus)) return view;
      throw unknownError(`docker: start exec ${dockerExecId}: its program cannot be run (status ${view.exitStatus})`);
    }
    if (performance.now() > deadlineMs) throw unknownError(`docker: start exec ${dockerExecId}: nothing comes of it`);
  }
}

async function startDetached(engine: Engine, dockerExecId: string, terminal: boolean): Promise<void> {
  await engine.call(
    `start exec ${dockerExecId}`,
    async (docker, abortSignal) => {
      const stream = await docker.getExec(dockerExecId).start({ Detach: true, Tty: terminal, abortSignal });
      stream.on("error", () => {}).resume();
    },
    { timeoutMs: START_TIMEOUT_MS },
  );
}
