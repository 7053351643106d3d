// Files that a command writes at the wish of its caller, and that appear when they are whole.
import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Writable } from "node:stream";

/**
 * Writes beside the file and puts it in its place when it is whole; a failure leaves nothing. Pipes and devices are written to.
 * @param mode of the file. Default: what the umask leaves of 0666.
 */
export async function wholeFile(
  path: string,
  write: (destination: Writable) => Promise<void>,
  { mode }: { readonly mode?: number } = {},
): Promise<void> {
  const isFile = await stat(path).then(
    (stats) => stats.isFile(),
    () => true,
  );
  if (!isFile) {
    await write(createWriteStream(path));
    return;
  }
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    await write(createWriteStream(draft, mode === undefined ? {} : { mode }));
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
