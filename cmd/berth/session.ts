// A process from its registration to its end, with this program standing in for it: stdio, terminal, signals, exit status.
// run, tasks start and tasks exec are this with different ways to register and to clean up.
import { FifoEnds } from "../../api/client/io/fifo-ends.js";
import { fifoPaths, makeFifos, NULL_STDIO, removeFifos } from "../../api/client/io/fifos.js";
import { cleanupOf, removeProcess } from "../../api/client/run/remove.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { errorKind, isUnavailable } from "../../api/core/errors.js";
import type { Stdio } from "../../api/core/task.js";
import { Attached, type AttachOptions, LEFT, type SessionEnd } from "./attached.js";
import { Interrupted, UsageError } from "./exit-status.js";
import { writePidFile } from "./pid-file.js";
import { catchSignals, SignalTarget } from "./signals.js";
import { requireTerminal } from "./terminal.js";

export interface SessionOptions extends AttachOptions {
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

/** On failure whatever was registered is gone again. */
export async function runSession(options: SessionOptions): Promise<SessionEnd> {
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
    if (!detach) return await new Attached(options, request, stdio, ends, signals).run();
    await startDetached(options, request, ends);
    return LEFT;
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

/** Stands in for a process that runs already; removes it when it has ended. */
export async function attachSession(options: AttachOptions): Promise<SessionEnd> {
  const { client, request, id, execId } = options;
  const state = await client.tasks.get(request, id, execId);
  if (state.terminal) requireTerminal();
  await using scope = new DisposeScope();
  const ends = scope.use(FifoEnds.attach(state));
  const signals = new SignalTarget(new AbortController());
  scope.use(catchSignals((signal) => signals.deliver(signal)));
  const attached = { ...options, terminal: state.terminal, hasEnded: state.status === "stopped" };
  return await new Attached(attached, request, state, ends, signals).join();
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
): Promise<void> {
  const { client, id, execId } = options;
  const { pid } = await client.tasks.start(request, id, execId);
  await writePidFile(options.pidFile, pid);
  ends?.[Symbol.dispose]();
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

function anySignal(...signals: (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}
