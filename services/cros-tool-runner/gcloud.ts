// Google's command line tool, which logs in accounts and prints tokens. One call at a time on the whole host, since it keeps its
// state in files and does not expect company.
import { execFile } from "node:child_process";
import { close, constants, open } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { abortError } from "../../api/client/errors.js";
import { errorOf } from "../../api/core/errors.js";
import { tryLockFile } from "../../runtime/sys/flock.js";
import { makeRuntimeDir, runtimeDirOf } from "../../runtime/sys/runtime-dir.js";

export interface GcloudOptions {
  /** Default: `gcloud`, looked for in PATH. */
  readonly program?: string;
  /** File that whoever runs gcloud has locked. Default: one of this user's, in `/run` or below `$XDG_RUNTIME_DIR`. */
  readonly lockPath?: string;
}

export interface GcloudResult {
  readonly isDone: boolean;
  readonly stdout: string;
  /** Also why it could not be run. */
  readonly stderr: string;
}

const TIMEOUT_MS = 120_000;
const POLL_MS = 50;
const MAX_OUTPUT_BYTES = 1 << 20;
const openFile = promisify(open);
const closeFile = promisify(close);

/** Runs it, without a shell. A failure is told, not thrown. @throws cancelled or deadline_exceeded when the signal comes first. */
export async function runGcloud(
  args: readonly string[],
  { program = "gcloud", lockPath = defaultLock() }: GcloudOptions = {},
  signal?: AbortSignal,
): Promise<GcloudResult> {
  const patience = AbortSignal.timeout(TIMEOUT_MS);
  const either = signal === undefined ? patience : AbortSignal.any([signal, patience]);
  const lock = await openFile(lockPath, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    while (!tryLockFile(lock)) await delay(POLL_MS, undefined, { signal: either });
    return await run(program, args, either);
  } catch (error) {
    throw either.aborted ? abortError(either) : error;
  } finally {
    // The lock goes with it.
    await closeFile(lock);
  }
}

function run(program: string, args: readonly string[], signal: AbortSignal): Promise<GcloudResult> {
  return new Promise((resolve, reject) => {
    const options = { signal, maxBuffer: MAX_OUTPUT_BYTES, encoding: "utf8" } as const;
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      if (signal.aborted) reject(error);
      else resolve({ isDone: error === null, stdout, stderr: stderr.trim() === "" && error ? reason(error) : stderr });
    });
    child.stdin?.end();
  });
}

/** Why there is no word of its own. Its arguments may be secret. */
function reason(error: Error): string {
  const code = "code" in error ? String(error.code) : error.name;
  return code === "ENOENT" ? "gcloud is not installed" : `gcloud failed: ${code}`;
}

/** In a folder where nobody else can put something in its place. @throws permission_denied when the user has no such folder. */
function defaultLock(): string {
  const uid = process.getuid?.() ?? 0;
  const folder = uid === 0 ? "/run" : runtimeDirOf(uid, process.env);
  const problem = uid === 0 ? undefined : makeRuntimeDir(folder, uid);
  if (problem !== undefined) throw errorOf("permission_denied", problem);
  return join(folder, "cros-tool-runner-gcloud.lock");
}
