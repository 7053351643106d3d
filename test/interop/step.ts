// What the steps of the script are made of: a command, or a story of several, whose answers are masked and kept.
import type { Cli } from "../helpers/cli.js";
import type { Engine } from "../helpers/engine.js";
import type { ProgramResult } from "../helpers/program.js";
import { until } from "../helpers/until.js";
import { mask } from "./mask.js";

/** One corner of the square: a client on a daemon. */
export interface Corner {
  readonly cli: Cli;
  readonly engine: Engine;
  readonly namespace: string;
  /** Holds `/bin/nine`, which prints `foreground` and exits with 9. */
  readonly rootfs: string;
}

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Step {
  readonly name: string;
  run(corner: Corner): Promise<Answer>;
}

type Masker = (text: string) => string;
type Args = readonly string[] | ((corner: Pick<Corner, "rootfs">) => readonly string[]);

function masked(corner: Corner, result: Answer, ...more: readonly Masker[]): Answer {
  const places = { ...corner, stateDir: corner.engine.stateDir, address: corner.engine.address };
  const apply = (text: string): string => more.reduce((all, one) => one(all), mask(text, places));
  return { code: result.code, stdout: apply(result.stdout), stderr: apply(result.stderr) };
}

/** A plain command: run it, tell what it said. */
export function command(args: Args, ...more: readonly Masker[]): Step {
  const example = typeof args === "function" ? args({ rootfs: "ROOTFS" }) : args;
  return {
    name: example.join(" "),
    run: async (corner) =>
      masked(corner, await corner.cli.run(typeof args === "function" ? args(corner) : args), ...more),
  };
}

/** A step that is more than one command. */
export function story(
  name: string,
  run: (corner: Corner) => Promise<ProgramResult | Answer>,
  ...more: readonly Masker[]
): Step {
  return { name, run: async (corner) => masked(corner, await run(corner), ...more) };
}

/** The words that run a script in a container. */
export const sh = (text: string): string[] => ["/bin/sh", "-c", text];

/** Likewise; it stays for a moment then, since of a program that ends at once the real ctr now and then prints nothing. */
export const shout = (text: string, status = 0): string[] => sh(`${text}; sleep 0.2; exit ${status}`);

/** A command with `--rootfs ROOTFS` between its flags and its arguments. */
export function inRootfs(before: readonly string[], after: readonly string[]): Args {
  return ({ rootfs }) => [...before, "--rootfs", rootfs, ...after];
}

/** Waits until `t ls` shows the task with that status. */
export async function untilStatus(corner: Corner, id: string, status: string): Promise<void> {
  const line = new RegExp(`^${id} +\\d+ +${status}`, "m");
  await until(`task ${id} to be ${status}`, async () => line.test((await corner.cli.run(["t", "ls"])).stdout));
}

/** The lines of a terminal, without colours, carriage returns and empty ends. */
export function screenLines(screen: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences begin with the escape character
  return screen.replace(/\u001b\[[0-9;?]*[a-zA-Z]/g, "").replace(/\r/g, "");
}
