// Whole runs as a person starts them: the wall clock of `run --rm` of a container that does nothing.
import { setTimeout as delay } from "node:timers/promises";
import type { Cli } from "../helpers/cli.js";
import { inTurn, median, timeMs } from "./measure.js";
import { figure, type Row } from "./table.js";

export interface Runner {
  /** `ctr` on a real containerd is what the others are compared with, and comes first. */
  readonly name: string;
  readonly cli: Cli;
}

export interface RunsOptions {
  readonly runners: readonly Runner[];
  readonly rootfs: string;
  readonly rounds: number;
  /** Runs of each runner in a round. */
  readonly count: number;
}

/** Back to back, and with a pause before each: after one, the kernel is slower to move a process into its cgroup. */
const PAUSES_MS = [0, 150];

export async function benchRuns({ runners, rootfs, rounds, count }: RunsOptions): Promise<Row[]> {
  const rows: Row[] = [];
  let serial = 0;
  const run = async ({ name, cli }: Runner): Promise<void> => {
    serial += 1;
    const { code, stderr } = await cli.run(["run", "--rm", "--rootfs", rootfs, `run-${serial}`, "/bin/true"]);
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`);
  };
  for (const runner of runners) await run(runner);
  for (const pauseMs of PAUSES_MS) {
    const times = new Map<string, number[]>(runners.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const runner of inTurn(runners, round)) {
        for (let index = 0; index < count; index += 1) {
          await delay(pauseMs);
          times.get(runner.name)?.push(await timeMs(() => run(runner)));
        }
      }
    }
    const [reference, ...others] = runners.map(({ name }) => ({ name, ms: median(times.get(name) ?? []) }));
    for (const { name, ms } of others) {
      const theirs = reference?.ms ?? 0;
      rows.push({
        what: `${name} run --rm, ${pauseMs === 0 ? "back to back" : `${pauseMs} ms apart`}`,
        containerd: `${figure(theirs)} ms`,
        berthd: `${figure(ms)} ms`,
        ratio: theirs / ms,
      });
    }
  }
  return rows;
}
