// What a supervisor writes down about the processes of a task, for whoever finds them without it.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { readStat } from "./session.js";

const PID_FILE = "init.pid";
const TRACES_FILE = "processes.json";

const tracesSchema = z.object({
  /** Ticks and pids mean something until the next boot only. */
  bootId: z.string(),
  /** Those that lead sessions, init first; dead ones may be among them. */
  leaders: z.array(z.object({ pid: z.number().int().min(1), startTicks: z.string() })),
  /** Absolute. */
  cgroupFolders: z.array(z.string().startsWith("/")),
});

export type Traces = z.infer<typeof tracesSchema>;

export const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/** Into the bundle; the first of the leaders is init, if there is one yet. */
export function writeTraces(bundle: string, pids: readonly number[], cgroupFolders: readonly string[]): void {
  const leaders: Traces["leaders"] = [];
  for (const pid of pids) {
    const stat = readStat(pid);
    if (stat !== undefined) leaders.push({ pid, startTicks: stat.startTicks });
  }
  const traces: Traces = { bootId: bootId(), leaders, cgroupFolders: [...cgroupFolders] };
  // Small files of a file system in memory: not worth a thread.
  const [init] = pids;
  if (init !== undefined) writeFileSync(join(bundle, PID_FILE), String(init), { mode: 0o600 });
  writeFileSync(join(bundle, `.${TRACES_FILE}`), JSON.stringify(traces), { mode: 0o600 });
  renameSync(join(bundle, `.${TRACES_FILE}`), join(bundle, TRACES_FILE));
}

/** Of a task that came to nothing. */
export function clearTraces(bundle: string): void {
  for (const name of [PID_FILE, TRACES_FILE]) rmSync(join(bundle, name), { force: true });
}

/** undefined where there are none that can be read, or from before the last boot. */
export async function readTraces(bundle: string): Promise<Traces | undefined> {
  try {
    const traces = tracesSchema.parse(JSON.parse(await readFile(join(bundle, TRACES_FILE), "utf8")));
    return traces.bootId === bootId() ? traces : undefined;
  } catch {
    return undefined;
  }
}

/** The pid that init had, also before the last boot; undefined when none was written. */
export async function readInitPid(bundle: string): Promise<number | undefined> {
  const text = await readFile(join(bundle, PID_FILE), "utf8").catch(() => "");
  return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}
