// The named pipes that carry a process's stdio between its shim and whoever asked for it: making, finding and removing them.
// @source containerd pkg/cio/io_unix.go
import { lstat, mkdir, mkdtemp, rm, rmdir, unlink } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { makeFifo } from "../../../runtime/sys/fifo.js";
import { makeRuntimeDir, runtimeDirOf } from "../../../runtime/sys/runtime-dir.js";
import { errorOf } from "../../core/errors.js";
import type { Stdio } from "../../core/task.js";

/** Where root's named pipes live; other users' are in the folder for what ends with their session. */
const ROOT_PARENT_DIR = "/run/containerd/fifo";

/** No stdio: the process reads and writes /dev/null. */
export const NULL_STDIO: Stdio = { stdin: "", stdout: "", stderr: "", terminal: false };

/** Which pipes `makeFifos` makes, and where. */
export interface FifoOptions {
  /** The container's or exec's id; names the pipes. */
  readonly id: string;
  /** One pipe for all output, since a terminal has only one. */
  readonly terminal: boolean;
  /** Streams that get no pipe: their paths are empty, and the process has /dev/null. Default: none. */
  readonly without?: readonly ("stdin" | "stdout" | "stderr")[] | undefined;
  /** The folder in which a folder for these pipes is made. Default: `/run/containerd/fifo` for root, else `$XDG_RUNTIME_DIR/berth/fifo`. */
  readonly parentDir?: string | undefined;
}

/**
 * Makes the pipes in a folder of their own that only this user can enter. Whoever made them removes them with {@link removeFifos}.
 * @throws permission_denied when the default folder is not this user's alone.
 */
export async function makeFifos(options: FifoOptions): Promise<Stdio> {
  const parent = options.parentDir ?? defaultParentDir();
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const dir = await mkdtemp(join(resolve(parent), "/"));
  const path = (stream: "stdin" | "stdout" | "stderr"): string =>
    options.without?.includes(stream) === true ? "" : join(dir, `${options.id}-${stream}`);
  const stdio: Stdio = {
    stdin: path("stdin"),
    stdout: path("stdout"),
    stderr: options.terminal ? "" : path("stderr"),
    terminal: options.terminal,
  };
  try {
    for (const fifo of fifoPaths(stdio)) makeFifo(fifo, 0o700);
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
  return stdio;
}

/** @throws permission_denied when a user's is not the user's alone. */
function defaultParentDir(): string {
  const uid = process.getuid?.() ?? -1;
  if (uid === 0) return ROOT_PARENT_DIR;
  const runtimeDir = runtimeDirOf(uid, process.env);
  const problem = makeRuntimeDir(runtimeDir, uid);
  if (problem !== undefined) throw errorOf("permission_denied", problem);
  return join(runtimeDir, "berth", "fifo");
}

/** Removes what {@link makeFifos} made, and nothing else: only named pipes, and their folder once it is empty. */
export async function removeFifos(stdio: Stdio): Promise<void> {
  const dirs = new Set<string>();
  for (const path of fifoPaths(stdio)) {
    if (!(await isFifoItself(path))) continue;
    await unlink(path).catch(ignoreMissing);
    dirs.add(dirname(path));
  }
  // A folder that holds something else was not made here.
  for (const dir of dirs) await rmdir(dir).catch(() => undefined);
}

/** The paths among the three; URIs (`file:`, `binary:`) are the shim's own business. */
export function fifoPaths(stdio: Stdio): string[] {
  return [stdio.stdin, stdio.stdout, stdio.stderr].filter((path) => isAbsolute(path));
}

async function isFifoItself(path: string): Promise<boolean> {
  return await lstat(path).then(
    (stats) => stats.isFIFO(),
    () => false,
  );
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
