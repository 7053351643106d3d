// A dnsmasq that an LXD left running when it was killed: it holds the address of a bridge that another LXD is to make.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { hasCode } from "../../runtime/sys/errno.js";

const POLL_MS = 20;
const WAIT_MS = 5_000;

/** Those of the networks in this folder, by the notes that LXD keeps of them there. */
export async function findDnsmasq(networksDir: string): Promise<number[]> {
  const found: number[] = [];
  for (const network of await readdir(networksDir).catch(() => [])) {
    const note = await readFile(join(networksDir, network, "dnsmasq.pid"), "utf8").catch(() => "");
    const pid = Number(/^pid: (\d+)$/m.exec(note)?.[1] ?? 0);
    // The number may be somebody else's by now.
    if (pid > 0 && (await commandLine(pid)).includes(join(networksDir, network, "dnsmasq."))) found.push(pid);
  }
  return found;
}

/** Asks them to end and waits for that. LXD must not run. */
export async function endDnsmasq(networksDir: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (const pid of await findDnsmasq(networksDir)) {
    try {
      process.kill(pid, "SIGTERM");
    } catch (error) {
      if (!hasCode(error, "ESRCH")) throw error;
    }
    while ((await commandLine(pid)) !== "" && performance.now() < deadline) await delay(POLL_MS);
  }
}

/** Empty for a process that is over, or is none of a program's. */
async function commandLine(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
}
