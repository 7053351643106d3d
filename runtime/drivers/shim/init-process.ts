// Whether the init process of a bundle is still running, for when its shim is gone and cannot be asked.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "../../bundle.js";

/** Linux counts these in a second, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;
/** The time of boot is told in whole seconds. */
const SLACK_MS = 1_000;

/** The runtime wrote the pid down when the process was there: one of that pid which began later is somebody else. */
export async function isInitRunning(bundle: Bundle): Promise<boolean> {
  const file = join(bundle.path, "init.pid");
  try {
    const pid = Number.parseInt(await readFile(file, "utf8"), 10);
    const { state, startedAtMs } = await processOf(pid);
    return state !== "Z" && startedAtMs <= (await stat(file)).mtimeMs + SLACK_MS;
  } catch {
    // No pid was written, or there is no such process.
    return false;
  }
}

async function processOf(pid: number): Promise<{ readonly state: string; readonly startedAtMs: number }> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8");
  // The program's name, in brackets, may hold anything.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [, bootSeconds] = /^btime (\d+)$/m.exec(await readFile("/proc/stat", "utf8")) ?? [];
  const startedAtMs = Number(bootSeconds) * 1_000 + (Number(fields[19]) / TICKS_PER_SECOND) * 1_000;
  return { state: fields[0] ?? "", startedAtMs };
}
