// Stops a program where it stands, as one that hangs.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "./until.js";

/** Sends SIGSTOP and resolves when no thread runs any more: on a busy machine some go on for a while, and would answer. */
export async function hang(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  const folder = `/proc/${pid}/task`;
  await until(`all threads of ${pid} to stop`, async () => {
    const stats = await Promise.all((await readdir(folder)).map((id) => readFile(join(folder, id, "stat"), "utf8")));
    return stats.every((stat) => stat.slice(stat.lastIndexOf(")") + 2).startsWith("T"));
  });
}
