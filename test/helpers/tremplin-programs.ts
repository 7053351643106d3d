// The programs of Tremplin as processes of their own, run as somebody types them.
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { ownProgram } from "./own-program.js";
import { type Program, type ProgramOptions, type ProgramResult, runProgram, startProgram } from "./program.js";

const LIFETIME_MS = 600_000;
const START_MS = 60_000;

/** What stands before its arguments. */
export const TREMPLIN = ownProgram("tremplin");
const [FILE, ...FIRST] = TREMPLIN;

/** Any command line of it, to its end. */
export const runTremplin = (args: readonly string[], options?: ProgramOptions): Promise<ProgramResult> =>
  runProgram(FILE, [...FIRST, ...args], options);

/** Starts `serve` or `listen`; it ends with the scope. @returns it, and the address that its first line tells */
export async function startServing(
  scope: DisposeScope,
  args: readonly string[],
): Promise<{ readonly program: Program; readonly address: string }> {
  const program = await startProgram(FILE, [...FIRST, ...args], { timeoutMs: LIFETIME_MS });
  scope.defer(() => program.stop());
  const line = (await program.waitForOutput(/\n/, START_MS)).split("\n")[0] ?? "";
  return { program, address: line.replace(/^(server listening|listener) at /, "") };
}

/** Flags of serve for folders below `dir`. */
export const placesIn = (dir: string): string[] => [
  ...["--root", join(dir, "root"), "--state", join(dir, "state")],
  ...["--berth-address", join(dir, "b.sock"), "--lxd-dir", join(dir, "lxd"), "--shared-dir", join(dir, "shared")],
];
