// A task in memory that answers as the runc shim does: the same states, the same refusals.
import * as z from "zod";
import {
  alreadyExists,
  ContainerdError,
  failedPrecondition,
  notFound,
  notImplemented,
  unknownError,
} from "../../../api/core/errors.js";
import type { ExecOptions, ProcessExit, ProcessInfo, ProcessState } from "../../../api/core/task.js";
import type { Clock } from "../../../api/core/time.js";
import { type Any, anyOfMessage } from "../../../api/core/typeurl.js";
import { ProcessDetails } from "../../../api/gen/types/runc/options/oci.js";
import type { CreateTask, DriverTask } from "../../driver.js";
import { FakeProcess, programExit } from "./process.js";

const SIGKILL = 9;
const MAX_SIGNAL = 64;
const processSchema = z.object({ args: z.array(z.string()).min(1) });
const specSchema = z.object({ process: processSchema });

function parseJson<T>(json: Uint8Array, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(json).toString()));
  } catch (error) {
    throw unknownError(`OCI runtime create failed: ${String(error)}: unknown`, error);
  }
}

/** The container itself: goes on when the driver that made it is gone. */
export class FakeContainer {
  readonly namespace: string;
  readonly id: string;
  readonly init: FakeProcess;
  readonly execs = new Map<string, FakeProcess>();
  readonly #nextPid: () => number;
  readonly #clock: Clock;
  /** Answers nobody, as a stopped shim. */
  isSilent = false;
  /** Called when it was deleted. */
  onDeleted: () => void = () => {};

  constructor(request: CreateTask, nextPid: () => number, clock: Clock) {
    const { args } = parseJson(request.spec, specSchema).process;
    programExit(args);
    this.namespace = request.namespace;
    this.id = request.id;
    this.#nextPid = nextPid;
    this.#clock = clock;
    this.init = new FakeProcess("", args, request, nextPid(), clock);
  }

  /** @throws not_found. */
  process(execId: string): FakeProcess {
    const process = execId === "" ? this.init : this.execs.get(execId);
    if (process === undefined) throw notFound(`process does not exist ${execId}`);
    return process;
  }

  start(execId: string): number {
    const process = this.process(execId);
    const { status } = process;
    if (status !== "created") throw refusal(`cannot start a ${status} process`);
    const exit = programExit(process.args);
    if (process.pid === 0) process.pid = this.#nextPid();
    process.become("running");
    if (exit !== undefined) this.#end(process, exit);
    return process.pid;
  }

  exec(execId: string, args: readonly string[], options: ExecOptions): void {
    if (this.execs.has(execId)) throw alreadyExists(`id ${execId}`);
    const { status } = this.init;
    if (status === "paused" || status === "stopped") throw refusal(`cannot exec in a ${status} state`);
    this.execs.set(execId, new FakeProcess(execId, args, options, 0, this.#clock));
  }

  kill(execId: string, signalNumber: number): void {
    const process = this.process(execId);
    if (process.status === "stopped") throw notFound("process already finished");
    if (process.pid === 0) throw failedPrecondition("process not created");
    if (signalNumber > MAX_SIGNAL) throw refusal(`unknown error after kill: invalid signal ${signalNumber}`);
    // As PID 1 it ignores every signal that it has no handler for.
    if (signalNumber !== SIGKILL) return;
    this.#end(process, undefined);
  }

  delete(execId: string): ProcessExit {
    const process = this.process(execId);
    const { status, exit } = process;
    if (status === "running" || status === "paused") throw refusal(`cannot delete a ${status} process`);
    process.endBySignal(SIGKILL);
    if (execId === "") this.onDeleted();
    else this.execs.delete(execId);
    return exit;
  }

  /** Everything in it dies at once. */
  destroy(): void {
    this.#end(this.init, undefined);
  }

  #end(process: FakeProcess, exitStatus: number | undefined): void {
    // The kernel ends a pid namespace with its init.
    if (process === this.init) for (const exec of this.execs.values()) if (exec.pid !== 0) exec.endBySignal(SIGKILL);
    if (exitStatus === undefined) process.endBySignal(SIGKILL);
    else process.end(exitStatus);
  }
}

function refusal(message: string): ContainerdError {
  return unknownError(`${message}: unknown`);
}

/** A driver's hold on a container. */
export class FakeTask implements DriverTask {
  readonly reportsEvents = false;
  readonly #container: FakeContainer;

  constructor(container: FakeContainer) {
    this.#container = container;
  }

  get namespace(): string {
    return this.#container.namespace;
  }

  get id(): string {
    return this.#container.id;
  }

  get pid(): number {
    return this.#container.init.pid;
  }

  get bundle(): string {
    return `/fake/${this.namespace}/${this.id}`;
  }

  async state(execId: string): Promise<ProcessState> {
    if (this.#container.isSilent) throw new ContainerdError("deadline_exceeded", "context deadline exceeded");
    const state = this.#container.process(execId).state(this.id);
    const isFrozen = this.#container.init.status === "paused" && state.status === "running";
    return isFrozen ? { ...state, status: "paused" } : state;
  }

  async start(execId: string, signal?: AbortSignal): Promise<{ readonly pid: number }> {
    await this.#heard(signal);
    return { pid: this.#container.start(execId) };
  }

  async delete(execId: string): Promise<ProcessExit> {
    await this.#heard(undefined);
    try {
      return this.#container.delete(execId);
    } catch (error) {
      if (execId !== "" || !(error instanceof ContainerdError)) throw error;
      throw new ContainerdError(error.kind, `failed to delete task: ${error.message}`, { cause: error });
    }
  }

  async kill(execId: string, signalNumber: number, _all: boolean, signal?: AbortSignal): Promise<void> {
    await this.#heard(signal);
    this.#container.kill(execId, signalNumber);
  }

  async exec(execId: string, options: ExecOptions, signal?: AbortSignal): Promise<void> {
    await this.#heard(signal);
    this.#container.exec(execId, parseJson(options.spec.value, processSchema).args, options);
  }

  async resizePty(execId: string): Promise<void> {
    if (execId !== "" && this.#container.process(execId).status === "stopped") {
      throw refusal("cannot resize a stopped container");
    }
  }

  async closeIO(execId: string): Promise<void> {
    this.#container.process(execId);
  }

  async pause(signal?: AbortSignal): Promise<void> {
    await this.#heard(signal);
    const { init } = this.#container;
    if (init.status === "created") throw refusal("cannot pause task in created state");
    if (init.status !== "running") throw refusal(`cannot pause a ${init.status} container`);
    init.become("paused");
  }

  async resume(signal?: AbortSignal): Promise<void> {
    await this.#heard(signal);
    const { init } = this.#container;
    if (init.status === "created") throw refusal("cannot resume task in created state");
    if (init.status === "running") throw refusal("cannot resume a running process");
    if (init.status !== "paused") throw refusal(`cannot resume a ${init.status} container`);
    init.become("running");
  }

  async pids(): Promise<ProcessInfo[]> {
    const { init, execs } = this.#container;
    const alive = [init, ...execs.values()].filter(({ pid, status }) => pid !== 0 && status !== "stopped");
    return alive.map(({ pid, execId }) =>
      execId === ""
        ? { pid }
        : {
            pid,
            info: anyOfMessage(
              "containerd.runc.v1.ProcessDetails",
              ProcessDetails,
              ProcessDetails.fromPartial({ execId }),
            ),
          },
    );
  }

  async stats(): Promise<Any | undefined> {
    if (this.#container.isSilent) throw new ContainerdError("deadline_exceeded", "context deadline exceeded");
    return { typeUrl: "io.containerd.cgroups.v1.Metrics", value: Buffer.alloc(0) };
  }

  async update(): Promise<void> {
    if (this.#container.init.status === "stopped") throw refusal("cannot update a stopped container");
  }

  async checkpoint(): Promise<void> {
    throw notImplemented("checkpoint");
  }

  async wait(execId: string, signal?: AbortSignal): Promise<ProcessExit> {
    const { exited } = this.#container.process(execId);
    return await abortable(exited, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** A silent container never gets to it. */
  async #heard(signal: AbortSignal | undefined): Promise<void> {
    if (this.#container.isSilent) await abortable(new Promise<never>(() => {}), signal);
  }
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new ContainerdError("cancelled", "context canceled"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
