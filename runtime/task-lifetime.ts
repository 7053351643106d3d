// Tasks that are to live no longer than their daemon: ended when it stops, and at the next start when it could not do that itself.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { isNotFound } from "../api/core/errors.js";
import type { Logger } from "../api/core/log.js";
import type { ProcessExit } from "../api/core/task.js";
import { endsWithDaemon } from "../api/core/task-lifetime.js";
import type { TaskEntry } from "./task-entry.js";

const SIGKILL = 9;
/** How long a killed task may take to end. */
const END_TIMEOUT_MS = 10_000;
const Spec = z.object({ annotations: z.record(z.string(), z.unknown()).nullish() });

/** The bytes of the spec in a container's record. @throws not_found. */
type SpecOf = (namespace: string, id: string) => Promise<Uint8Array>;

/** Those of the tasks that run and are bound to their daemon: so says what they were made of, which is in the bundle where there is one. */
export async function boundTasks(entries: readonly TaskEntry[], specOf: SpecOf): Promise<TaskEntry[]> {
  const running = entries.filter(({ init }) => init.state.status !== "stopped");
  const areBound = await Promise.all(running.map((entry) => isBound(entry, specOf)));
  return running.filter((_, index) => areBound[index]);
}

/** A spec that cannot be read binds nothing. */
async function isBound({ task: { bundle, namespace, id } }: TaskEntry, specOf: SpecOf): Promise<boolean> {
  try {
    const spec = await readFile(join(bundle, "config.json")).catch(() => specOf(namespace, id));
    const { annotations } = Spec.parse(JSON.parse(Buffer.from(spec).toString()));
    return annotations != null && endsWithDaemon(annotations);
  } catch {
    return false;
  }
}

/** Kills a task and waits for its end. @returns how it ended; undefined when that cannot be told. */
export async function endTask({ task }: TaskEntry, log: Logger): Promise<ProcessExit | undefined> {
  const { namespace, id } = task;
  const signal = AbortSignal.timeout(END_TIMEOUT_MS);
  try {
    await task.kill("", SIGKILL, true, signal).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    return await task.wait("", signal);
  } catch (err) {
    log.error({ err, namespace, id }, "ending a task that was bound to its daemon failed");
    return undefined;
  }
}
