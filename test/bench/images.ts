// Whole images as a person moves them: pull with unpack from a registry on loopback, import, export, and runs of an image, one at a
// time and many at once. What a round brought is removed before the next, outside of the clock.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DisposeScope } from "../../api/core/dispose.js";
import { busyboxLayer, type TestImage, testImage } from "../helpers/image.js";
import { seedRegistry, startRegistry } from "../helpers/registry.js";
import { largeLayer, manyFiles } from "./layers.js";
import { inTurn, median, timeMs } from "./measure.js";
import type { Runner } from "./runs.js";
import { figure, type Row } from "./table.js";

export interface ImagesOptions {
  /** `ctr` on a real containerd first: the others are compared with it. */
  readonly runners: readonly Runner[];
  /** A folder for archives. */
  readonly dir: string;
  readonly rounds: number;
  /** In twelve layers. */
  readonly files: number;
  /** Of the one large layer. */
  readonly largeBytes: number;
  /** Runs in a round. */
  readonly runs: number;
  /** Told what begins, since all of it takes minutes. */
  readonly say: (what: string) => void;
}

const LAYERS = 12;
const AT_ONCE = 20;
const TIMEOUT_MS = 600_000;

type Arguments = (runner: Runner) => readonly string[];

interface Step {
  readonly what: string;
  readonly args: Arguments;
  /** Not timed. */
  readonly before?: Arguments;
}

async function call({ name, cli }: Runner, args: readonly string[]): Promise<void> {
  const { code, stderr } = await cli.run(args, { timeoutMs: TIMEOUT_MS });
  if (code !== 0) throw new Error(`${name} ${args.join(" ")} ended with ${code}: ${stderr}`);
}

/** Milliseconds of each runner, medians of the rounds, as rows of the table. */
async function compare(
  runners: readonly Runner[],
  rounds: number,
  what: string,
  measure: (runner: Runner) => Promise<number>,
): Promise<Row[]> {
  const times = new Map<string, number[]>(runners.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const runner of inTurn(runners, round)) times.get(runner.name)?.push(await measure(runner));
  }
  const [reference, ...others] = runners.map(({ name }) => ({ name, ms: median(times.get(name) ?? []) }));
  const theirs = reference?.ms ?? 0;
  return others.map(({ name, ms }) => ({
    what: `${name}: ${what}`,
    containerd: `${figure(theirs)} ms`,
    berthd: `${figure(ms)} ms`,
    ratio: theirs / ms,
  }));
}

export async function benchImages(options: ImagesOptions): Promise<Row[]> {
  const { runners, rounds, files, largeBytes, dir, say } = options;
  await using scope = new DisposeScope();
  say("making the images");
  const registry = await startRegistry(scope);
  const seed = async (name: string, image: TestImage): Promise<string> => {
    await seedRegistry(registry, name, "1", image);
    return `${registry.host}/${name}:1`;
  };
  const many = await seed("many", testImage(manyFiles(files, LAYERS)));
  const large = await seed("large", testImage([await largeLayer(largeBytes)]));
  const small = await seed("small", testImage([await busyboxLayer()]));

  const pull = (image: string): readonly string[] => ["images", "pull", "--plain-http", image];
  const remove = (image: string): readonly string[] => ["images", "rm", "--sync", image];
  const archive = ({ name }: Runner): string => join(dir, `${runners.findIndex((other) => other.name === name)}.tar`);
  const steps: readonly Step[] = [
    { what: `pull ${files} files in ${LAYERS} layers`, args: () => pull(many), before: () => remove(many) },
    { what: `export ${files} files`, args: (runner) => ["images", "export", archive(runner), many] },
    {
      what: `import ${files} files`,
      args: (runner) => ["images", "import", archive(runner)],
      before: () => remove(many),
    },
    { what: `pull one layer of ${largeBytes / 1e6} MB`, args: () => pull(large), before: () => remove(large) },
  ];
  const rows: Row[] = [];
  for (const { what, args, before } of steps) {
    say(what);
    // Once without the clock: everything is there, or can be removed, and caches are as they will be.
    for (const runner of runners) await call(runner, args(runner));
    rows.push(
      ...(await compare(runners, rounds, what, async (runner) => {
        if (before !== undefined) await call(runner, before(runner));
        return await timeMs(() => call(runner, args(runner)));
      })),
    );
  }
  for (const runner of runners) {
    await rm(archive(runner), { force: true });
    await call(runner, pull(small));
  }
  return [...rows, ...(await benchImageRuns(options, small))];
}

async function benchImageRuns({ runners, rounds, runs, say }: ImagesOptions, image: string): Promise<Row[]> {
  let serial = 0;
  const run = (runner: Runner): Promise<void> => {
    serial += 1;
    return call(runner, ["run", "--rm", image, `image-${serial}`, "/bin/true"]);
  };
  say("run --rm IMAGE");
  for (const runner of runners) await run(runner);
  const oneAtATime = await compare(runners, rounds, "run --rm IMAGE, one at a time", async (runner) => {
    const times: number[] = [];
    for (let index = 0; index < runs; index += 1) times.push(await timeMs(() => run(runner)));
    return median(times);
  });
  const manyAtOnce = await compare(runners, rounds, `run --rm IMAGE, ${AT_ONCE} at once`, (runner) =>
    timeMs(() => Promise.all(Array.from({ length: AT_ONCE }, () => run(runner)))),
  );
  return [...oneAtATime, ...manyAtOnce];
}
