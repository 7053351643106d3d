// What LXD goes on with for a server that was killed: it would come to light when nobody looks any more.
import { setTimeout as sleep } from "node:timers/promises";
import { cancelOperation, listRunningOperations } from "../../runtime/lxd/operations.js";
import type { Operation } from "../../runtime/lxd/replies.js";
import type { Tremplin } from "./tremplin.js";

const LOOK_MS = 100;
const MAX_WAIT_MS = 60_000;

/** LXD's words for what becomes an image; of an upload it says no more. */
export const IMAGE_OPERATION = "Downloading image";

/** Whether it is about the instance. */
export const concerns = ({ resources }: Operation, instance: string): boolean =>
  Object.values(resources ?? {}).some((paths) => paths.some((path) => path.endsWith(`/${instance}`)));

/** Cancels what can be cancelled of what `isLeft` knows, and waits a minute for the rest. */
export async function endLeftOperations(
  { lxd, ending, log }: Tremplin,
  isLeft: (operation: Operation) => boolean,
): Promise<void> {
  const deadline = performance.now() + MAX_WAIT_MS;
  for (;;) {
    const running = (await listRunningOperations(lxd)).filter(isLeft);
    if (running.length === 0) return;
    if (performance.now() > deadline) {
      const descriptions = running.map(({ description }) => description);
      log.warn({ descriptions }, "LXD is still busy with what an earlier server began");
      return;
    }
    for (const { id, resources, may_cancel } of running) {
      if (resources !== null && may_cancel) await cancelOperation(lxd, id);
    }
    await sleep(LOOK_MS, undefined, { signal: ending });
  }
}
