// Whether there is a program to run and a folder to run it in, asked before anything is made, in a runtime's words.
// @source opencontainers/runc libcontainer/standard_init_linux.go, Go os/exec/lp_unix.go
import { type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import { unknownError } from "../../api/core/errors.js";
import { quote } from "../../api/core/quote.js";
import { systemReason } from "../sys/system-text.js";
import type { Environment } from "./environment.js";

/** Whose process it will be. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

const failed = (args0: string, why: string): Error => unknownError(`exec: ${quote(args0)}: ${why}`);

/** As the mode says; root may run whatever anybody may. */
function mayExecute(stats: Stats, who: Identity): boolean {
  if (who.uid === 0) return (stats.mode & 0o111) !== 0;
  if (stats.uid === who.uid) return (stats.mode & 0o100) !== 0;
  if (stats.gid === who.gid || who.groups.includes(stats.gid)) return (stats.mode & 0o010) !== 0;
  return (stats.mode & 0o001) !== 0;
}

/** @throws unknown when the words name no program that `who` may run there. */
export function checkProgram(args0: string, environment: Environment, cwd: string, who: Identity): void {
  if (args0.includes("/")) {
    const stats = statOf(args0, resolve(cwd, args0));
    if (!stats.isFile() || !mayExecute(stats, who)) throw failed(args0, "permission denied");
    return;
  }
  const folders = (environment.get("PATH") ?? "").split(":");
  const isThere = args0 !== "" && folders.some((folder) => isProgram(resolve(cwd, folder, args0), who));
  if (!environment.has("PATH") || !isThere) throw failed(args0, "executable file not found in $PATH");
}

function isProgram(path: string, who: Identity): boolean {
  try {
    const stats = statSync(path);
    return stats.isFile() && mayExecute(stats, who);
  } catch {
    // Whatever keeps us from looking there, the next folder may have it.
    return false;
  }
}

function statOf(args0: string, path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw failed(args0, `stat ${args0}: ${systemReason(error)}`);
  }
}

/** @throws unknown for what is no folder. */
export function checkFolder(cwd: string): void {
  let why = "not a directory";
  try {
    if (statSync(cwd).isDirectory()) return;
  } catch (error) {
    why = systemReason(error);
  }
  throw unknownError(`chdir to cwd (${quote(cwd)}) set in config.json failed: ${why}`);
}
