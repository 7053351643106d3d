// `--rm`: whatever a server started is removed when its command has ended, also by the next server.
import { setTimeout as delay } from "node:timers/promises";
import { isNotFound } from "../../api/core/errors.js";
import { discard, findRecord, NAME_LABEL } from "./container-record.js";
import type { Runner } from "./runner.js";

export interface Watched {
  /** In the engine. */
  readonly name: string;
  readonly recordId: string;
  /** Tells the record from a later one of its id. */
  readonly createdAtNs: bigint;
  /** In the engine; undefined for what an earlier server started. */
  readonly id?: string;
}

/** Between two attempts while the engine does not answer. */
const RETRY_MS = 2_000;

/** Waits for the end in the background, for as long as the server lives. */
export function watch(runner: Runner, watched: Watched): void {
  void removeWhenOver(runner, watched).catch((err: unknown) => {
    if (!runner.ending.aborted) runner.log.error({ container: watched.name, err }, "cannot watch the container");
  });
}

/** Goes on with what earlier servers started. */
export async function watchAll(runner: Runner): Promise<void> {
  for (const { id, labels, createdAtNs } of await runner.client.containers.list({}, [`labels."${NAME_LABEL}"`])) {
    const name = labels[NAME_LABEL];
    if (name !== undefined) watch(runner, { name, recordId: id, createdAtNs });
  }
}

async function removeWhenOver(runner: Runner, watched: Watched): Promise<void> {
  const { client, ending, log } = runner;
  for (;;) {
    try {
      await client.tasks.wait({ signal: ending }, watched.recordId, "").catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
      await runner.names.run(watched.name, () => remove(runner, watched), ending);
      return;
    } catch (error) {
      if (ending.aborted) return;
      log.warn({ container: watched.name, err: error }, "cannot remove the container");
      await delay(RETRY_MS, undefined, { signal: ending });
    }
  }
}

/** Unless somebody else has put it away, and another stands in its place. */
async function remove(runner: Runner, { name, recordId, createdAtNs, id }: Watched): Promise<void> {
  if ((await findRecord(runner, recordId))?.createdAtNs === createdAtNs) await discard(runner, recordId);
  if (id === undefined) return;
  runner.templated.delete(id);
  runner.containers.forget(name, id);
}
