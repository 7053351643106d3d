// A process from its registration to its end, with this program standing in for it: stdio, terminal, signals, exit status.
// run, tasks start and tasks exec are this with different ways to register and to clean up.
import { rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Client } from "../../api/client/connect.js";
import { type Copy, type CopyOptions, copyStreams } from "../../api/client/io/copy.js";
import { FifoEnds } from "../../api/client/io/fifo-ends.js";
import { fifoPaths, makeFifos, NULL_STDIO, removeFifos } from "../../api/client/io/fifos.js";
import { persist } from "../../api/client/run/persist.js";
import { cleanupOf, removeProcess } from "../../api/client/run/remove.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { errorKind, isNotFound, isUnavailable } from "../../api/core/errors.js";
import type { ProcessExit, Stdio } from "../../api/core/task.js";
import { Interrupted, SIGPIPE_STATUS, UsageError } from "./exit-status.js";
import type { Output } from "./output.js";
import { catchSignals, signalNumber } from "./signals.js";
import { followSize, rawMode, requireTerminal } from "./terminal.js";

export interface SessionOptions {
  readonly client: Client;
  readonly request: RequestContext;
  readonly output: Output;
  readonly id: string;
  /** "" for the task itself. */
  readonly execId: string;
  readonly terminal: boolean;
  /** Leave once it runs. */
  readonly detach: boolean;
  /** No stdio at all. */
  readonly nullIo?: boolean | undefined;
  /** Output goes there and nowhere else. */
  readonly logUri?: string | undefined;
  readonly fifoDir?: string | undefined;
  readonly pidFile?: string | undefined;
  /** Whether whatever has this id is this session's own, since nobody else knows it yet. Default: no. */
  isOwner?(): boolean;
  /** Makes the process known to the daemon, not yet running. */
  register(request: RequestContext, stdio: Stdio): Promise<void>;
}

/** A process may leave its output open to a child that outlives it; that long without a word ends the waiting. */
const IDLE_AFTER_EXIT_MS = 10_000;
/** A process whose reader has gone is told by SIGPIPE, and by SIGKILL if it does not listen, as init of a container may not. */
const SIGPIPE_GRACE_MS = 1_000;

/** The exit status of the process; 0 when detached. On failure whatever was registered is gone again. */
export async function runSession(options: SessionOptions): Promise<number> {
  const { terminal, detach, nullIo, logUri } = options;
  if (terminal && nullIo === true) throw new UsageError("--tty and --null-io cannot be used together");
  if (terminal && !detach) requireTerminal();
  await using scope = new DisposeScope();
  const stdio = await openStdio(options);
  const piped = nullIo !== true && logUri === undefined;
  const ends = piped ? FifoEnds.hold(stdio) : undefined;
  if (ends !== undefined) scope.use(ends);
  const early = new AbortController();
  const signals = new SignalTarget(early);
  if (!detach) scope.use(catchSignals((signal) => signals.deliver(signal)));
  const request = { ...options.request, signal: anySignal(options.request.signal, early.signal) };
  let registered = false;
  try {
    await options.register(request, stdio);
    registered = true;
    return detach
      ? await startDetached(options, request, ends)
      : await new Attached(options, request, stdio, ends, signals).run();
  } catch (error) {
    // The daemon went away in the middle: its tasks have not, and can be attached to.
    const alive = registered && isUnavailable(error);
    if (!alive && (registered || (await registeredUnheard(options, stdio, error)))) {
      await removeProcess(options.client, cleanupOf(options.request), options.id, options.execId).catch(
        () => undefined,
      );
    }
    if (!alive && piped) await removeFifos(stdio);
    throw signals.caught === undefined ? error : new Interrupted(signals.caught, error);
  }
}

export type AttachOptions = Pick<SessionOptions, "client" | "request" | "output" | "id">;

/** Stands in for a task that runs already; removes it when it has ended. */
export async function attachSession(options: AttachOptions): Promise<number> {
  const { client, request, id } = options;
  const state = await client.tasks.get(request, id, "");
  if (state.terminal) requireTerminal();
  await using scope = new DisposeScope();
  const ends = scope.use(FifoEnds.attach(state));
  const signals = new SignalTarget(new AbortController());
  scope.use(catchSignals((signal) => signals.deliver(signal)));
  return await new Attached({ ...options, execId: "", terminal: state.terminal }, request, state, ends, signals).join();
}

async function openStdio({ id, execId, terminal, nullIo, logUri, fifoDir }: SessionOptions): Promise<Stdio> {
  if (nullIo === true) return { ...NULL_STDIO, terminal };
  if (logUri !== undefined) return { stdin: "", stdout: logUri, stderr: logUri, terminal };
  return await makeFifos({ id: execId === "" ? id : execId, terminal, parentDir: fifoDir });
}

async function startDetached(
  options: SessionOptions,
  request: RequestContext,
  ends: FifoEnds | undefined,
): Promise<number> {
  const { client, id, execId } = options;
  const { pid } = await client.tasks.start(request, id, execId);
  await writePidFile(options.pidFile, pid);
  ends?.[Symbol.dispose]();
  return 0;
}

/** Where signals go: before the process runs they end the attempt, afterwards they are its. */
class SignalTarget {
  readonly #early: AbortController;
  #kill: ((signal: NodeJS.Signals) => void) | undefined;
  caught: NodeJS.Signals | undefined;

  constructor(early: AbortController) {
    this.#early = early;
  }

  deliver(signal: NodeJS.Signals): void {
    if (this.#kill !== undefined) {
      this.#kill(signal);
      return;
    }
    this.caught ??= signal;
    this.#early.abort();
  }

  forwardTo(kill: (signal: NodeJS.Signals) => void): void {
    this.#kill = kill;
  }
}

type AttachedOptions = AttachOptions & Pick<SessionOptions, "execId" | "terminal" | "pidFile">;

class Attached {
  readonly #options: AttachedOptions;
  readonly #request: RequestContext;
  readonly #stdio: Stdio;
  readonly #ends: FifoEnds | undefined;
  readonly #signals: SignalTarget;

  constructor(
    options: AttachedOptions,
    request: RequestContext,
    stdio: Stdio,
    ends: FifoEnds | undefined,
    signals: SignalTarget,
  ) {
    this.#options = options;
    this.#request = request;
    this.#stdio = stdio;
    this.#ends = ends;
    this.#signals = signals;
  }

  /** Starts the process and stays with it. */
  async run(): Promise<number> {
    const { client, id, execId } = this.#options;
    // Wait leaves first: the process may be over before start has answered.
    const exited = this.#wait();
    exited.catch(() => undefined);
    const { pid } = await client.tasks.start(this.#request, id, execId);
    await writePidFile(this.#options.pidFile, pid);
    return await this.#stay(exited, {
      onInputEnd: () =>
        this.#tell(persist(client, () => client.tasks.closeIO(this.#request, id, execId, { stdin: true }))),
      onOutputLost: () => {
        this.#kill(signalNumber("SIGPIPE"));
        setTimeout(() => this.#kill(signalNumber("SIGKILL")), SIGPIPE_GRACE_MS).unref();
      },
    });
  }

  /** Stays with a process that runs already, as a guest: when our input ends its stays open, when our output is lost it goes on. */
  async join(): Promise<number> {
    return await new Promise<number>((resolve, reject) => {
      const onOutputLost = (): void => resolve(SIGPIPE_STATUS);
      this.#stay(this.#wait(), { onInputEnd: () => {}, onOutputLost }).then(resolve, reject);
    });
  }

  async #stay(exited: Promise<ProcessExit>, copyOptions: CopyOptions): Promise<number> {
    const { client, id, execId, terminal } = this.#options;
    await using guards = new DisposeScope();
    this.#signals.forwardTo((signal) => this.#kill(signalNumber(signal)));
    if (terminal) {
      guards.use(rawMode());
      guards.use(followSize((size) => this.#tell(client.tasks.resizePty(this.#request, id, execId, size))));
    }
    const copy = this.#startCopy(copyOptions);
    const { exitStatus } = await exited;
    copy?.stopInput();
    await copy?.drain(IDLE_AFTER_EXIT_MS);
    await Promise.all([this.#delete(), removeFifos(this.#stdio)]);
    return exitStatus;
  }

  #startCopy(copyOptions: CopyOptions): Copy | undefined {
    if (this.#ends === undefined) return undefined;
    this.#options.output.handOver();
    this.#ends.release();
    return copyStreams(this.#ends.streams(), process, copyOptions);
  }

  async #wait(): Promise<ProcessExit> {
    const { client, id, execId } = this.#options;
    return await persist(client, () => client.tasks.wait(this.#request, id, execId));
  }

  async #delete(): Promise<void> {
    const { client, id, execId } = this.#options;
    const { tasks } = client;
    try {
      await persist(client, async () =>
        execId === "" ? await tasks.delete(this.#request, id) : await tasks.deleteProcess(this.#request, id, execId),
      );
    } catch (error) {
      // Somebody else removed it, or an attempt whose answer was lost.
      if (!isNotFound(error)) throw error;
    }
  }

  #kill(signal: number): void {
    const { client, id, execId } = this.#options;
    this.#tell(persist(client, () => client.tasks.kill(this.#request, id, execId, { signal, all: false })));
  }

  /** Sends something whose failure only matters while the process is there. */
  #tell(call: Promise<void>): void {
    call.catch((error: unknown) => {
      if (!isNotFound(error)) this.#options.output.warn(error instanceof Error ? error.message : String(error));
    });
  }
}

/** Whether a registration that we gave up has been made all the same, and not by somebody else. */
async function registeredUnheard(options: SessionOptions, stdio: Stdio, error: unknown): Promise<boolean> {
  const kind = errorKind(error);
  if (kind !== "cancelled" && kind !== "deadline_exceeded") return false;
  if (options.isOwner?.() === true) return true;
  const state = await options.client.tasks
    .get(cleanupOf(options.request), options.id, options.execId)
    .catch(() => undefined);
  return state !== undefined && fifoPaths(stdio).includes(state.stdout);
}

/** Whole or not at all: whoever waits for the file reads a pid. */
async function writePidFile(path: string | undefined, pid: number): Promise<void> {
  if (path === undefined) return;
  const draft = join(dirname(path), `.${basename(path)}`);
  await writeFile(draft, String(pid), { mode: 0o644 });
  await rename(draft, path);
}

function anySignal(...signals: (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}
