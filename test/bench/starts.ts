// What the start of our CLI costs beside the start of a Node that does nothing, which no program on Node can beat: by the clock, and of
// the processor, where a busy machine tells in between as well.

import { ownProgram } from "../helpers/own-program.js";
import { runProgram } from "../helpers/program.js";
import { inTurn, median, timeMs } from "./measure.js";
import { figure, type Row } from "./table.js";

/** Starts `$1` times what follows; `times` then tells what all of them took of the processor, in ticks of 10 ms at the finest. */
const LOOP = `n=$1; shift; while [ "$n" -gt 0 ]; do "$@" > /dev/null || exit; n=$((n - 1)); done; times`;

export interface StartsOptions {
  /** Of berthd. */
  readonly address: string;
  readonly rounds: number;
  /** Starts of each in a round. */
  readonly count: number;
}

interface Start {
  readonly what: string;
  readonly command: readonly string[];
  readonly clockMs: number[];
  readonly processorMs: number[];
}

/** The first target is a ratio of 1 / 3.5 for `version`. */
export async function benchStarts({ address, rounds, count }: StartsOptions): Promise<Row[]> {
  const berth = [...ownProgram("berth"), "-a", address];
  const start = (what: string, command: readonly string[]): Start => ({ what, command, clockMs: [], processorMs: [] });
  const bare = start("", [process.execPath, "-e", "0"]);
  const starts = [start("berth --help", [...berth, "--help"]), start("berth version", [...berth, "version"])];
  for (let round = 0; round < rounds; round += 1) {
    for (const { command, clockMs, processorMs } of inTurn([bare, ...starts], round)) {
      let output = "";
      const elapsedMs = await timeMs(async () => {
        const options = { env: { NODE_EXTRA_CA_CERTS: undefined } };
        const { code, stdout, stderr } = await runProgram("sh", ["-c", LOOP, "sh", String(count), ...command], options);
        if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stderr}`);
        output = stdout;
      });
      clockMs.push(elapsedMs / count);
      processorMs.push(childrenMs(output) / count);
    }
  }
  const rows = (kind: string, of: (start: Start) => readonly number[]): Row[] =>
    starts.map((start) => {
      const [least, ours] = [median(of(bare)), median(of(start))];
      return {
        what: `${start.what}, ${kind}, against node -e 0`,
        containerd: `${figure(least)} ms`,
        berthd: `${figure(ours)} ms`,
        ratio: least / ours,
      };
    });
  return [...rows("time", ({ clockMs }) => clockMs), ...rows("processor time", ({ processorMs }) => processorMs)];
}

/** The second line of `times`: `0m1.230s 0m0.450s`, of all children. */
function childrenMs(output: string): number {
  const words = output.trim().split("\n").at(-1)?.split(" ") ?? [];
  const seconds = words.map((word) => {
    const [, minutes, rest] = /^(\d+)m([\d.]+)s$/.exec(word) ?? [];
    return Number(minutes) * 60 + Number(rest);
  });
  return seconds.reduce((sum, each) => sum + each, 0) * 1000;
}
