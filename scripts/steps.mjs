// What the scripts share: where the repository is, printing a step, running a program without a shell.
// Plain Node without packages, since some scripts run before `npm ci`.
import { spawn } from "node:child_process";
import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's top folder, absolute. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** A failure that needs no stack: its message tells all. */
export class StepError extends Error {}

/** Prints one line of progress. @param {string} text */
export function say(text) {
  process.stdout.write(`==> ${text}\n`);
}

/** The path of a program of an npm package. @param {string} name */
export const packageBinary = (name) => join(ROOT, "node_modules", ".bin", name);

/**
 * Finds a program in PATH and, since Debian keeps some there, in the sbin folders.
 * @param {string} name
 * @returns {string | undefined}
 */
export function findBinary(name) {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin", "/usr/local/sbin"]) {
    if (folder === "") continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * Runs a program, in the repository's folder unless told otherwise, and waits for it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: Record<string, string>, cwd?: string, quiet?: boolean }} [options] `quiet` collects the output instead of
 *   printing it; `cwd` is another folder to run in
 * @returns {Promise<{ status: number, output: string }>} status is 128 + signal number after a signal
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: options.quiet ? ["ignore", "pipe", "pipe"] : "inherit",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
        output += text;
      });
    }
    child.once("error", (error) => reject(new StepError(`cannot run ${command}: ${error.message}`)));
    child.once("close", (code, signal) => resolve({ status: code ?? 128 + signalNumber(signal), output }));
  });
}

/** @param {NodeJS.Signals | null} signal */
function signalNumber(signal) {
  return { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[/** @type {"SIGHUP"} */ (signal)] ?? 0;
}

/**
 * Runs a program and throws unless it ends with 0.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export async function must(command, args, options) {
  const { status, output } = await run(command, args, options);
  if (status === 0) return output;
  if (output !== "") process.stderr.write(output);
  throw new StepError(`${[command, ...args].join(" ")} ended with ${status}`);
}

/**
 * The newest change below these files and folders, in milliseconds since 1970; 0 when there is none.
 * @param {readonly string[]} paths relative to the repository
 * @param {(path: string) => boolean} [counts] which files to look at; default: all
 */
export function newestChange(paths, counts = () => true) {
  let newest = 0;
  for (const path of paths) {
    const full = join(ROOT, path);
    const stats = statSync(full, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (stats.isDirectory()) {
      const children = readdirSync(full).map((name) => join(path, name));
      newest = Math.max(newest, newestChange(children, counts));
    } else if (counts(path)) newest = Math.max(newest, stats.mtimeMs);
  }
  return newest;
}

/** Runs a script's main function: one line for a failure that explains itself, a stack for any other. @param {() => Promise<number | void>} body */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    process.stderr.write(
      `${error instanceof StepError ? `error: ${error.message}` : String(Object(error).stack ?? error)}\n`,
    );
    process.exitCode = 1;
  }
}
