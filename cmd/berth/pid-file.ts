// The file that --pid-file names.
import { rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Whole or not at all: whoever waits for the file reads a pid. */
export async function writePidFile(path: string | undefined, pid: number): Promise<void> {
  if (path === undefined) return;
  const draft = join(dirname(path), `.${basename(path)}`);
  await writeFile(draft, String(pid), { mode: 0o644 });
  await rename(draft, path);
}
