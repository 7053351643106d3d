// Runs a queue of commands as processes of this host, two at a time, each with a time limit, resource limits and captured output; no
// root, no runc and no daemon of its own is needed. Jobs are lines of JSON on stdin, or a few that show what can happen:
//   npx tsx examples/job-runner.ts
//   echo '{"name":"date","args":["date"],"timeoutMs":1000}' | npx tsx examples/job-runner.ts -
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Client, ContainerdError, createDaemon } from "berthd";

interface Job {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Bytes that a file it writes may have: a limit of the kernel's for each process, so it needs no control group. */
  readonly maxFileBytes?: number;
  /** Bytes of all its processes together; needs a control group that may be written to, which root has. */
  readonly memoryBytes?: number;
}

const SHOWN: readonly Job[] = [
  { name: "hello", args: ["sh", "-c", "echo hello from $PLACE"], env: { PLACE: "a job" } },
  { name: "fails", args: ["sh", "-c", "echo no luck >&2; exit 3"] },
  { name: "too long", args: ["sleep", "600"], timeoutMs: 500 },
  { name: "too much", args: ["sh", "-c", "head -c 100000 /dev/zero > big"], maxFileBytes: 4096 },
  { name: "not there", args: ["no-such-program"] },
];
const OUTPUT_LIMIT_BYTES = 64 * 1024;
const { BERTH_NAMESPACE: namespace = "jobs" } = process.env;

async function* jobsOfInput(signal: AbortSignal): AsyncGenerator<Job> {
  // A program that takes jobs from strangers would check them here.
  for await (const line of createInterface({ input: process.stdin, signal })) {
    if (line.trim() !== "") yield JSON.parse(line);
  }
}

async function* shownJobs(): AsyncGenerator<Job> {
  yield* SHOWN;
}

/** Runs one job to its end. @throws what the runtime said when it could not be run, cancelled after an abort. */
async function runJob(client: Client, job: Job, cwd: string, signal: AbortSignal): Promise<string> {
  const { args, env, timeoutMs, maxFileBytes, memoryBytes } = job;
  const rlimits = maxFileBytes === undefined ? [] : [{ type: "RLIMIT_FSIZE", soft: maxFileBytes, hard: maxFileBytes }];
  await using task = await client.run({
    process: true,
    args,
    env,
    cwd,
    timeoutMs,
    signal,
    labels: { job: job.name },
    limits: { memoryBytes },
    // Whatever happens to this process: its jobs end with it.
    lifetime: "daemon",
    editSpec: (spec) => ({ ...spec, process: { ...spec.process, rlimits } }),
  });
  const { exitStatus, timedOut, stdout, stderr, truncated } = await task.output({ limitBytes: OUTPUT_LIMIT_BYTES });
  const end = timedOut ? `timed out after ${timeoutMs} ms` : `exit status ${exitStatus}`;
  return `${end}${truncated ? ", output cut" : ""} ${JSON.stringify({ stdout, stderr })}`;
}

const folder = await mkdtemp(join(tmpdir(), "berth-jobs-"));
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
try {
  await using daemon = await createDaemon({ root: join(folder, "root"), state: join(folder, "state") });
  await using client = daemon.client({ namespace });
  const queue = process.argv[2] === "-" ? jobsOfInput(stop.signal) : shownJobs();
  const work = async (): Promise<void> => {
    // All workers take from one generator, which hands out each job once.
    while (!stop.signal.aborted) {
      const next = await queue.next();
      if (next.done === true) return;
      const outcome = await runJob(client, next.value, folder, stop.signal).catch((error: unknown) => {
        if (!(error instanceof ContainerdError)) throw error;
        return stop.signal.aborted ? "given up" : `could not be run: ${error.message}`;
      });
      console.log(`${next.value.name}: ${outcome}`);
    }
  };
  await Promise.all([work(), work()]);
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (stop.signal.aborted) process.exitCode = 130;
