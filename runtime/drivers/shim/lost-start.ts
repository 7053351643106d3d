// A start of init that was cut off at a bad moment. runc lets init go by reading from a FIFO, `exec.fifo`, and removes it then; as
// long as it is there the container counts as created. Killed in between, runc leaves a process that runs and a FIFO into which
// nobody will ever write: the next start would read from it until it is given up. So we write into it what init had written.
// Killed a moment later, it leaves a container that runs and a shim that has not heard of it, and says that it was not started.
import { constants } from "node:fs";
import { access, open, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import type { Bundle } from "../../bundle.js";
import { hasCode } from "../../sys/errno.js";

/** Where containerd's shims have runc keep its state, unless their options say otherwise. */
const DEFAULT_ROOT = "/run/containerd/runc";
const RETRY_MS = 20;
const OptionsFile = z.object({ root: z.string().default("") });

/**
 * The FIFO of a container whose init has passed it although it is still there; undefined for every other.
 * @param pid of init, whose shim says that it was not started.
 */
export async function fifoOfLostStart(bundle: Bundle, pid: number): Promise<string | undefined> {
  try {
    const fifo = join(await stateRoot(bundle), bundle.namespace, bundle.id, "exec.fifo");
    await access(fifo);
    await readlink(`/proc/${pid}/exe`); // one that has ended has none
    const folder = `/proc/${pid}/fd`;
    for (const fd of await readdir(folder)) {
      // Held from its first moment until it has written.
      if ((await readlink(join(folder, fd)).catch(() => "")).endsWith("/exec.fifo")) return undefined;
    }
    return fifo;
  } catch {
    return undefined; // another runtime, or a process that has just ended: the start will tell
  }
}

/**
 * Whether init was let go by a start that its shim has not heard the end of: it runs, and runc has taken its FIFO away.
 * @param pid of init, whose shim says that it was not started.
 */
export async function hasLostStart(bundle: Bundle, pid: number): Promise<boolean> {
  try {
    const names = await readdir(join(await stateRoot(bundle), bundle.namespace, bundle.id));
    await readlink(`/proc/${pid}/exe`); // one that has ended has none
    return names.includes("state.json") && !names.includes("exec.fifo");
  } catch {
    return false; // another runtime, or a process that has just ended: its shim will tell
  }
}

/** Writes into the FIFO as soon as somebody reads from it. Ends with that, with the FIFO, or with the signal. Never rejects. */
export async function answerFifo(fifo: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await using handle = await open(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
      await handle.write("0");
      return;
    } catch (error) {
      const isUnread = hasCode(error, "ENXIO");
      if (!isUnread) return;
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function stateRoot(bundle: Bundle): Promise<string> {
  const text = await readFile(join(bundle.path, "options.json"), "utf8").catch(() => "{}");
  return OptionsFile.parse(JSON.parse(text)).root || DEFAULT_ROOT;
}
