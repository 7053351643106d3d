// run(): from options to a task that runs, or to nothing at all; and task(), which finds one again.
// @source containerd cmd/ctr/commands/run/run.go
import { randomBytes } from "node:crypto";
import type { RequestContext } from "../../core/context.js";
import { DisposeScope } from "../../core/dispose.js";
import { errorKind, failedPrecondition } from "../../core/errors.js";
import { validateIdentifier } from "../../core/identifiers.js";
import { DOCKER_RUNTIME } from "../docker-options.js";
import { throwIfAborted } from "./abort.js";
import { isTerminal } from "./container-parts.js";
import { type ContainerStores, createRunContainer } from "./create-container.js";
import type { EventfulDaemon } from "./docker-pull.js";
import { checkRunOptions, type RunOptions } from "./options.js";
import { persist } from "./persist.js";
import { ProcessStdio } from "./process-stdio.js";
import { cleanupOf, killProcess, removeContainer, removeProcess } from "./remove.js";
import { removeRun, Task, type TaskDeps } from "./task.js";

/** What run() and task() need of a client. */
export interface RunDeps extends ContainerStores, TaskDeps, EventfulDaemon {
  /** For calls that name none. */
  readonly namespace: string | undefined;
}

/** After an abort a call gets that long to be answered: only the answer tells whether something was made. */
const ABORT_GRACE_MS = 2_000;

/** See {@link Client.run}. */
export async function run(deps: RunDeps, options: RunOptions): Promise<Task> {
  checkRunOptions(options);
  const { signal } = options;
  throwIfAborted(signal);
  try {
    return await start(deps, options);
  } catch (error) {
    // Whatever broke off because of the abort, and however it says so.
    throwIfAborted(signal);
    throw error;
  }
}

async function start(deps: RunDeps, options: RunOptions): Promise<Task> {
  const { signal, timeoutMs, remove = true } = options;
  const namespace = options.namespace ?? deps.namespace;
  if (namespace === undefined || namespace === "") throw failedPrecondition("namespace is required");
  const id = options.id ?? `run-${randomBytes(6).toString("hex")}`;
  const request: RequestContext = { namespace, signal };
  const cleanup = (): RequestContext => cleanupOf(request);
  await using scope = new DisposeScope();

  const { container, rootfs } = await createContainer(deps, request, { namespace, id }, options);
  scope.defer(() => removeContainer(deps, cleanup(), container).catch(() => undefined));
  throwIfAborted(signal);

  const terminal = isTerminal(options);
  const stdio = await ProcessStdio.make(id, terminal, options.stdio);
  scope.defer(() => stdio.remove());
  scope.use(stdio);
  // The container is ours, so whatever task it has is.
  scope.defer(() => removeProcess(deps, cleanup(), id, "").catch(() => undefined));
  // Before it has been started a task is deleted slowly: a shim waits two seconds for the end of its output.
  scope.defer(() => killProcess(deps, cleanup(), id, "").catch(() => undefined));
  const create = () => deps.tasks.create(request, id, { ...stdio.stdio, rootfs });
  const onProgress = "onProgress" in options ? options.onProgress : undefined;
  if (options.runtime === DOCKER_RUNTIME && onProgress !== undefined) {
    const { withDockerPull } = await import("./docker-pull.js");
    await withDockerPull(deps, { namespace, id, image: container.image ?? "", onProgress }, create);
  } else await create();
  if (typeof options.terminal === "object") {
    const { columns: width, rows: height } = options.terminal;
    await deps.tasks.resizePty(request, id, "", { width, height });
  }
  // Wait leaves first: the process may be over before start has answered.
  const exited = persist(deps, () => deps.tasks.wait({ namespace }, id, ""));
  exited.catch(() => undefined);
  const { pid } = await deps.tasks.start(request, id, "");
  stdio.release();
  throwIfAborted(signal);
  scope.release();

  const removeAll = async (): Promise<void> => {
    await removeRun(deps, { namespace }, id, container);
    await stdio.remove();
  };
  const isGuest = false;
  return new Task(deps, {
    ...{ id, execId: "", pid, namespace, stdio, isGuest, exited, signal, timeoutMs },
    remove: removeAll,
    isKept: !remove,
  });
}

/** Makes the container, and answers an abort only when it is known whether it was made. */
async function createContainer(
  deps: RunDeps,
  request: RequestContext,
  identity: { readonly namespace: string; readonly id: string },
  options: RunOptions,
): Promise<Awaited<ReturnType<typeof createRunContainer>>> {
  const { signal } = request;
  if (signal === undefined) return await createRunContainer(deps, { request, patient: request }, identity, options);
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const giveUp = (): void => {
    timer = setTimeout(() => late.abort(signal.reason), ABORT_GRACE_MS);
  };
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await createRunContainer(deps, { request, patient: { ...request, signal: late.signal } }, identity, options);
  } catch (error) {
    const isUnheard = signal.aborted && ["cancelled", "deadline_exceeded"].includes(errorKind(error));
    // A name that nobody else can have taken.
    if (isUnheard && options.id === undefined) {
      await removeContainer(deps, cleanupOf(request), { id: identity.id }).catch(() => undefined);
    }
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

/** Where `Client.task` looks. */
export interface FindTaskOptions {
  /** Default: the client's. */
  readonly namespace?: string | undefined;
  /** Ends the looking. */
  readonly signal?: AbortSignal | undefined;
}

/** See {@link Client.task}. */
export async function findTask(deps: RunDeps, id: string, options: FindTaskOptions = {}): Promise<Task> {
  validateIdentifier(id);
  const namespace = options.namespace ?? deps.namespace;
  const state = await deps.tasks.get({ namespace, signal: options.signal }, id, "");
  return new Task(deps, {
    ...{ id, execId: "", pid: state.pid, namespace, isGuest: true },
    stdio: ProcessStdio.find(state),
  });
}
