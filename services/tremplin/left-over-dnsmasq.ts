// A dnsmasq that an LXD left running when it died: it holds the address of a bridge that the next LXD is to serve. LXD knows the one
// that it wrote down last, which is not the one that is there when it died while it was starting it.
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { listProcesses, readProcess } from "../../runtime/host-processes.js";
import { hasCode } from "../../runtime/sys/errno.js";

const POLL_MS = 20;
const WAIT_MS = 5_000;

/** Those of the networks in this folder, by the files that they are told to use. */
export async function findDnsmasq(networksDir: string): Promise<number[]> {
  const file = `--conf-file=${networksDir}/`;
  const isOurs = ({ args }: { readonly args: readonly string[] }): boolean =>
    basename(args[0] ?? "") === "dnsmasq" && args.some((arg) => arg.startsWith(file));
  return (await listProcesses()).filter(isOurs).map(({ pid }) => pid);
}

/** Asks them to end and waits for that, 5 s at most. LXD must not run. */
export async function endDnsmasq(networksDir: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (const pid of await findDnsmasq(networksDir)) {
    try {
      process.kill(pid, "SIGTERM");
    } catch (error) {
      if (!hasCode(error, "ESRCH")) throw error;
    }
    while ((await runs(pid)) && performance.now() < deadline) await delay(POLL_MS);
  }
}

/** One that is over, and waits for its parent to look, has no arguments any more. */
const runs = async (pid: number): Promise<boolean> => ((await readProcess(pid))?.args[0] ?? "") !== "";
