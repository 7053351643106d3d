// The two command-line clients, Debian's `ctr` and our `berth`, called the same way against either daemon.
import type { Engine } from "./engine.js";
import { ownProgram } from "./own-program.js";
import { type Program, type ProgramOptions, type ProgramResult, runProgram, startProgram } from "./program.js";
import { openTerminal, type Terminal } from "./terminal.js";

export type CliName = "ctr" | "berth";

export interface Cli {
  readonly name: CliName;
  /** To its end. */
  run(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** In the background, its input open. */
  start(args: readonly string[], options?: ProgramOptions): Promise<Program>;
  /** Under a pseudo-terminal. */
  terminal(args: readonly string[], size?: { readonly columns: number; readonly rows: number }): Terminal;
}

function command(name: CliName): readonly [string, ...string[]] {
  return name === "ctr" ? ["ctr"] : ownProgram("berth");
}

/** A client bound to a daemon and a namespace. */
export function createCli(name: CliName, engine: Pick<Engine, "address">, namespace: string): Cli {
  const [file, ...first] = command(name);
  const all = (args: readonly string[]): string[] => [...first, "-a", engine.address, "-n", namespace, ...args];
  const env = { CONTAINERD_ADDRESS: undefined, CONTAINERD_NAMESPACE: undefined, NODE_EXTRA_CA_CERTS: undefined };
  return {
    name,
    run: (args, options) => runProgram(file, all(args), { ...options, env: { ...env, ...options?.env } }),
    start: (args, options) => startProgram(file, all(args), { ...options, env: { ...env, ...options?.env } }),
    terminal: (args, size) => openTerminal(file, all(args), size),
  };
}
