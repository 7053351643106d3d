// A runtime driver in one file: tasks that are JavaScript in threads of this process, yet made, started, killed, waited for and removed
// like all others. Records, events and who may do what when are the task manager's business; a driver knows how to run things.
//   npx tsx examples/custom-driver.ts
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { Worker } from "node:worker_threads";
import { createDaemon, type ProcessExit, type ProcessInfo, type ProcessState, type TaskStatus } from "berthd";
import { failedPrecondition, invalidArgument, notFound, notImplemented } from "berthd/api/core/errors";
import type { CreateTask, DriverDefinition, DriverDeps, DriverTask, RuntimeDriver } from "berthd/runtime";

const RUNTIME = "io.example.thread.v1";
const SIGNAL_BASE = 128;
const lacking = async (): Promise<never> => {
  throw notImplemented("threads cannot do that");
};

/** A task whose program is `args[0]` of its spec. */
class ThreadTask implements DriverTask {
  readonly namespace: string;
  readonly id: string;
  readonly pid = process.pid;
  readonly bundle = "";
  /** So the task manager writes the events. */
  readonly reportsEvents = false;
  readonly #request: CreateTask;
  readonly #code: string;
  readonly #clock: DriverDeps["clock"];
  readonly #onDelete: () => void;
  readonly #exited: Promise<ProcessExit>;
  #settle: (exit: ProcessExit) => void = () => {};
  #status: TaskStatus = "created";
  #exit: ProcessExit = { pid: process.pid, exitStatus: 0, exitedAtNs: undefined };
  #worker: Worker | undefined;

  constructor(request: CreateTask, clock: DriverDeps["clock"], onDelete: () => void) {
    // The spec is the client's: whatever is taken from it is checked.
    const code: unknown = JSON.parse(Buffer.from(request.spec).toString()).process?.args?.[0];
    if (typeof code !== "string") throw invalidArgument("spec has no args");
    this.namespace = request.namespace;
    this.id = request.id;
    this.#request = request;
    this.#code = code;
    this.#clock = clock;
    this.#onDelete = onDelete;
    this.#exited = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  async start(execId: string): Promise<{ readonly pid: number }> {
    this.#onlyInit(execId);
    if (this.#status !== "created") throw failedPrecondition(`cannot start a ${this.#status} task`);
    this.#status = "running";
    const worker = new Worker(this.#code, { eval: true, stdout: true, stderr: true });
    this.#worker = worker;
    let lastWords = "";
    worker.once("error", (error) => {
      lastWords = `${error}\n`;
    });
    worker.once("exit", (status) => this.#end(status));
    copy(worker.stdout, this.#request.stdout, () => "");
    copy(worker.stderr, this.#request.stderr, () => lastWords);
    return { pid: this.pid };
  }

  async kill(execId: string, signalNumber: number): Promise<void> {
    this.#onlyInit(execId);
    if (this.#status === "stopped") throw notFound("process already finished");
    this.#end(SIGNAL_BASE + signalNumber);
    await this.#worker?.terminate();
  }

  async delete(execId: string): Promise<ProcessExit> {
    this.#onlyInit(execId);
    if (this.#status === "running") throw failedPrecondition("cannot delete a running task");
    this.#end(SIGNAL_BASE);
    this.#onDelete();
    return this.#exit;
  }

  async wait(execId: string): Promise<ProcessExit> {
    this.#onlyInit(execId);
    return await this.#exited;
  }

  async state(execId: string): Promise<ProcessState> {
    this.#onlyInit(execId);
    const { stdin, stdout, stderr, terminal } = this.#request;
    return { containerId: this.id, execId, status: this.#status, ...this.#exit, stdin, stdout, stderr, terminal };
  }

  async pids(): Promise<ProcessInfo[]> {
    return [{ pid: this.pid }];
  }

  async closeIO(): Promise<void> {}
  readonly exec = lacking;
  readonly resizePty = lacking;
  readonly pause = lacking;
  readonly resume = lacking;
  readonly stats = lacking;
  readonly update = lacking;
  readonly checkpoint = lacking;

  /** The daemon lets go of it, and a thread cannot live without its process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }

  #onlyInit(execId: string): void {
    if (execId !== "") throw notFound(`process ${execId}`);
  }

  #end(exitStatus: number): void {
    if (this.#status === "stopped") return;
    this.#status = "stopped";
    this.#exit = { ...this.#exit, exitStatus, exitedAtNs: this.#clock() };
    this.#settle(this.#exit);
  }
}

/** Into the client's pipe; "" is nowhere. Opened for both directions, so that it waits for no reader. */
function copy(from: Readable, path: string, lastWords: () => string): void {
  const to: Writable = createWriteStream(path === "" ? "/dev/null" : path, { flags: "r+" });
  to.on("error", () => from.resume());
  from.pipe(to, { end: false });
  from.once("end", () => to.end(lastWords()));
}

/** Nothing of a former process is ever left. */
function createDriver({ clock }: DriverDeps): RuntimeDriver {
  const tasks = new Set<string>();
  return {
    checkOptions: () => ({ checkpointPath: "" }),
    create: async (request) => {
      const name = `${request.namespace}/${request.id}`;
      const task = new ThreadTask(request, clock, () => tasks.delete(name));
      tasks.add(name);
      return task;
    },
    load: async () => [],
    hasRemains: async (namespace, id) => tasks.has(`${namespace}/${id}`),
    attended: () => [],
    [Symbol.asyncDispose]: async () => {},
  };
}

const threads: DriverDefinition = {
  name: "thread",
  matches: (runtime) => runtime === RUNTIME,
  create: createDriver,
};

const folder = await mkdtemp(join(tmpdir(), "berth-driver-"));
try {
  const places = { root: join(folder, "root"), state: join(folder, "state") };
  await using daemon = await createDaemon(places, { drivers: [threads] });
  await using client = daemon.client({ namespace: "threads" });
  const run = (code: string, timeoutMs?: number) =>
    client.run({ process: true, runtime: RUNTIME, args: [code], timeoutMs });
  for (const code of ["console.log(6 * 7)", "process.exit(3)", "throw new Error('no luck')"]) {
    const { exitStatus, stdout, stderr } = await (await run(code)).output();
    console.log(JSON.stringify({ code, exitStatus, stdout, stderr }));
  }
  const endless = await run("for (;;);", 500);
  console.log(`endless: ${JSON.stringify((await endless.wait()).exitStatus)}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
