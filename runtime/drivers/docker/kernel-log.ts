// What the kernel of this host has logged of kills for want of memory. A Docker engine begins to watch for them when the container has
// started and forgets those that it hears of behind the end, and the container's group, which counts them, is gone with it.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { hasCode } from "../../sys/errno.js";

const KERNEL_LOG = "/dev/kmsg";
/** The kernel's own bound for a record. */
const MAX_RECORD_BYTES = 8_192;
/** In a record: the group whose limit was reached. */
const FULL_GROUP = /^[^;]*;oom-kill:.*[,:]oom_memcg=([^,\n]*)/;

/**
 * Whether something was killed because this container held all it may. False also where the log cannot be read, as for ordinary users,
 * for an engine of another host, and for one of many kills in a moment, of which the kernel logs a few. Never rejects.
 * @param containerId the engine's, whole
 */
export async function hasLoggedOutOfMemory(containerId: string): Promise<boolean> {
  try {
    for await (const record of kernelRecords()) if (tellsOutOfMemory(record, containerId)) return true;
  } catch {
    // Nobody may read it, or there is none.
  }
  return false;
}

/** Docker names a group after its container, systemd's way as `docker-ID.scope`. Made apart for tests. */
export function tellsOutOfMemory(record: string, containerId: string): boolean {
  return FULL_GROUP.exec(record)?.[1]?.includes(containerId) === true;
}

/** All that the kernel still has, oldest first. */
async function* kernelRecords(): AsyncGenerator<string> {
  await using log = await open(KERNEL_LOG, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(MAX_RECORD_BYTES);
  for (;;) {
    try {
      const { bytesRead } = await log.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield buffer.toString("utf8", 0, bytesRead);
    } catch (error) {
      if (hasCode(error, "EAGAIN")) return;
      // It was overwritten before it was read; the next one follows.
      if (!hasCode(error, "EPIPE")) throw error;
    }
  }
}
