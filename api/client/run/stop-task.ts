// A task is ended in order: asked by a signal, given time, killed when that has passed, and removed.
import { constants } from "node:os";
import type { RequestContext } from "../../core/context.js";
import { isNotFound } from "../../core/errors.js";
import type { ProcessExit, Tasks } from "../../core/task.js";
import { removeFifos } from "../io/fifos.js";
import { persist, type Reachable } from "./persist.js";
import { deleteProcess } from "./remove.js";

/** What is needed of a client. */
export interface StopDeps extends Reachable {
  readonly tasks: Tasks;
}

export interface StopOptions {
  /** By its number. */
  readonly signal: number;
  /** From the signal to SIGKILL, milliseconds; Infinity: there is no SIGKILL. */
  readonly graceMs: number;
  /** Leave the task behind, stopped. Default: it is removed, and with it the named pipes of its stdio. */
  readonly keep?: boolean;
}

/**
 * Ends the task of a container. A task that is paused goes on, so that it can hear the signal.
 * @returns how it ended; undefined when there was no task, or only one that had never run.
 * @throws whatever the daemon answers, not_found aside; cancelled when the context's signal comes first.
 */
export async function stopTask(
  client: StopDeps,
  ctx: RequestContext,
  id: string,
  options: StopOptions,
): Promise<ProcessExit | undefined> {
  const state = await persist(client, () => unlessGone(client.tasks.get(ctx, id, "")));
  if (state === undefined) return undefined;
  let exit: ProcessExit | undefined;
  if (state.status === "stopped") exit = state;
  else if (state.status !== "created") exit = await end(client, ctx, id, options, state.status === "paused");
  if (options.keep === true && state.status !== "created") return exit;
  await persist(client, () => deleteProcess(client.tasks, ctx, id, ""));
  await removeFifos(state);
  return exit;
}

async function end(
  client: StopDeps,
  ctx: RequestContext,
  id: string,
  { signal, graceMs }: StopOptions,
  isPaused: boolean,
): Promise<ProcessExit | undefined> {
  const { tasks } = client;
  const exited = persist(client, () => unlessGone(tasks.wait(ctx, id, "")));
  exited.catch(() => undefined);
  const isKill = graceMs <= 0 || signal === constants.signals.SIGKILL;
  if (!isKill) {
    await persist(client, () => unlessGone(tasks.kill(ctx, id, "", { signal, all: false })));
    if (isPaused) await unlessGone(tasks.resume(ctx, id));
    if (await settlesWithin(exited, graceMs)) return await exited;
  }
  const kill = { signal: constants.signals.SIGKILL, all: true };
  await persist(client, () => unlessGone(tasks.kill(ctx, id, "", kill)));
  // Version 1 of control groups holds back even SIGKILL from what is frozen.
  if (isKill && isPaused) await tasks.resume(ctx, id).catch(() => undefined);
  return await exited;
}

/** What has ended meanwhile, or was removed by somebody else, needs no more. */
async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

/** A timer takes no more than this; whoever waits that long waits for ever. */
const MAX_TIMER_MS = 2 ** 31 - 1;

async function settlesWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late =
    timeoutMs > MAX_TIMER_MS
      ? []
      : [
          new Promise<boolean>((resolve) => {
            timer = setTimeout(() => resolve(false), timeoutMs);
          }),
        ];
  try {
    return await Promise.race([promise.then(() => true), ...late]);
  } finally {
    clearTimeout(timer);
  }
}
