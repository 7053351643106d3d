// What a task has sent and received, for runtimes that do not tell: the interfaces of its network, if it has one of its own.
import { readFile, readlink } from "node:fs/promises";

export interface NetworkBytes {
  readonly receivedBytes: bigint;
  readonly sentBytes: bigint;
}

/** undefined on the host's own network, which says nothing of the task, and where /proc does not tell. */
export async function readNetwork(pid: number): Promise<NetworkBytes | undefined> {
  if (pid <= 0) return undefined;
  try {
    const [own, its] = await Promise.all([readlink("/proc/self/ns/net"), readlink(`/proc/${pid}/ns/net`)]);
    return own === its ? undefined : parseNetwork(await readFile(`/proc/${pid}/net/dev`, "utf8"));
  } catch {
    return undefined;
  }
}

/** The sum of all interfaces but the loopback in the text of a `net/dev`. */
export function parseNetwork(text: string): NetworkBytes {
  let [receivedBytes, sentBytes] = [0n, 0n];
  for (const line of text.split("\n")) {
    const [, name, counters] = /^\s*([^:|]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || counters === undefined || name === "lo") continue;
    const numbers = counters.split(/\s+/);
    receivedBytes += BigInt(numbers[0] ?? 0);
    sentBytes += BigInt(numbers[8] ?? 0);
  }
  return { receivedBytes, sentBytes };
}
