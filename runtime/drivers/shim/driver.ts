// The driver for containerd's shims: every runtime that has a `containerd-shim-<name>-<version>` binary.
// @source containerd runtime/v2/manager.go
import { existsSync } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { type ErrorKind, errorKind, isNotFound, wrapError } from "../../../api/core/errors.js";
import type { ProcessExit } from "../../../api/core/task.js";
import type { Any } from "../../../api/core/typeurl.js";
import { type Bundle, bundleOf } from "../../bundle.js";
import type { CreateTask, DriverDefinition, DriverDeps, DriverTask, RuntimeDriver } from "../../driver.js";
import { isTtrpcClosed } from "../../ttrpc/client.js";
import { Activity } from "./activity.js";
import { isInitRunning } from "./init-process.js";
import { lacksOf } from "./lacks.js";
import { loadTasks } from "./load.js";
import { MemoryGroups } from "./memory-group.js";
import { servesNamespace } from "./namespace-shims.js";
import { presentOptions, runcOptions } from "./options.js";
import { RemainsCollector, UNKNOWN_EXIT_STATUS } from "./remains.js";
import { ShimStarter, type StartedShim, UNDO_TIMEOUT_MS } from "./starter.js";
import { LONG_TIMEOUT_MS, ShimTask } from "./task.js";
import { endFormerWarmShims } from "./warm-shim.js";

const { SIGKILL } = constants.signals;
/** The answer may still be on its way. */
const GIVEN_UP: ReadonlySet<ErrorKind> = new Set(["cancelled", "deadline_exceeded"]);

export class ShimDriver implements RuntimeDriver {
  readonly #deps: DriverDeps;
  readonly #remains: RemainsCollector;
  readonly #activity = new Activity();
  readonly #memoryGroups = new MemoryGroups();
  readonly #starter: ShimStarter;
  readonly #tasks = new Set<ShimTask>();

  constructor(deps: DriverDeps) {
    this.#deps = deps;
    this.#remains = new RemainsCollector(deps);
    this.#starter = new ShimStarter(deps, this.#remains, this.#activity);
  }

  async lacks(runtime: string): Promise<string | undefined> {
    return await lacksOf(runtime, (name) => this.#starter.resolve(name), this.#starter.searchPath);
  }

  checkOptions(runtime: string, options: Any | undefined): { readonly checkpointPath: string } {
    return { checkpointPath: runcOptions(runtime, presentOptions(options))?.criuImagePath ?? "" };
  }

  async create(request: CreateTask, signal?: AbortSignal): Promise<DriverTask> {
    const options = presentOptions(request.options);
    const decoded = runcOptions(request.runtime, options);
    using _busy = this.#activity.begin();
    const { shim, canBeWarm } = await this.#starter.start(request, options, decoded, signal);
    let task: ShimTask;
    try {
      task = await this.#createIn(shim, request, options, signal);
    } catch (error) {
      const isLeft = await this.#undo(shim, error);
      // One that died while it waited for its task is no reason to fail: nothing has been made yet.
      if (shim.origin === "cold" || !isTtrpcClosed(error) || isLeft || signal?.aborted === true) {
        throw wrapError("failed to create shim task", error);
      }
      return await this.#createCold(request, options, signal);
    }
    if (canBeWarm) this.#starter.wanted(request.namespace, shim.binary);
    return task;
  }

  async load(runtimeOf: (namespace: string, id: string) => Promise<string | undefined>): Promise<DriverTask[]> {
    await endFormerWarmShims(this.#deps);
    return await loadTasks({
      roots: this.#deps,
      address: this.#deps.address,
      log: this.#deps.log,
      binaryOf: async ({ namespace, id, path }) => {
        const saved = await readFile(join(path, "shim-binary-path"), "utf8").catch(() => "");
        const runtime = saved === "" ? await runtimeOf(namespace, id) : saved;
        return runtime === undefined ? undefined : await this.#starter.resolve(runtime);
      },
      reach: (bundle, binary, address, log) => this.#starter.reach(bundle, binary, address, log),
      // Whether its socket has its name is not asked: to wait for the end of the shim is always safe.
      adopt: (parts) => {
        const origin = servesNamespace(parts.binary) ? "namespace" : "cold";
        return this.#adopt({ ...parts, origin }, true);
      },
      discard: async (remains, reason) => {
        const wasRunning = await isInitRunning(remains.bundle);
        const exit = await this.#remains.removeAll(remains);
        // Cleaning up kills what still runs; what had ended before, nobody knows how.
        const isExitKnown = wasRunning && exit.exitStatus !== UNKNOWN_EXIT_STATUS;
        const told = isExitKnown ? exit : { ...exit, exitStatus: UNKNOWN_EXIT_STATUS };
        await this.#tell(remains.bundle, told, reason, isExitKnown);
      },
    });
  }

  async hasRemains(namespace: string, id: string): Promise<boolean> {
    return existsSync(bundleOf(this.#deps, namespace, id).path);
  }

  attended(): readonly { readonly namespace: string; readonly id: string }[] {
    return this.#starter.names();
  }

  /** Lets go of all tasks, which go on running. Shims that have no task end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const inUse = new Set([...this.#tasks].map((task) => task.shimAddress));
    await this.#starter[Symbol.asyncDispose]();
    await Promise.all([...this.#tasks].map((task) => task[Symbol.asyncDispose]()));
    await this.#starter.leave(inUse);
    await this.#remains[Symbol.asyncDispose]();
  }

  async #createCold(request: CreateTask, options: Any | undefined, signal: AbortSignal | undefined): Promise<ShimTask> {
    const shim = await this.#starter.startCold(request, options, signal);
    try {
      return await this.#createIn(shim, request, options, signal);
    } catch (error) {
      await this.#undo(shim, error);
      throw wrapError("failed to create shim task", error);
    }
  }

  async #createIn(
    shim: StartedShim,
    request: CreateTask,
    options: Any | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ShimTask> {
    const { connection, bundle } = shim;
    const { namespace: _namespace, runtime: _runtime, spec: _spec, checkpointPath, rootfs, ...stdio } = request;
    const { pid } = await connection.call(
      connection.methods.create,
      {
        ...stdio,
        bundle: bundle.path,
        rootfs: rootfs.map((mount) => ({ ...mount, target: mount.target ?? "", options: [...mount.options] })),
        checkpoint: checkpointPath,
        parentCheckpoint: "",
        options,
      },
      { signal, timeoutMs: LONG_TIMEOUT_MS },
    );
    await shim.saved;
    return this.#adopt({ ...shim, pid }, false);
  }

  /** After a failed create. @returns whether there may have been a container. */
  async #undo(shim: StartedShim, error: unknown): Promise<boolean> {
    const isUnanswered = isTtrpcClosed(error) || GIVEN_UP.has(errorKind(error));
    const isSettled = !isUnanswered || (await endUnanswered(shim));
    const mayHaveContainer = await hasPid(shim.bundle);
    await this.#starter.undo(shim, !isSettled || mayHaveContainer);
    return mayHaveContainer;
  }

  #adopt(parts: StartedShim & { readonly pid: number }, wasLoaded: boolean): ShimTask {
    const { bundle, binary, address, connection, shimLog, pid, origin } = parts;
    const endsWithTask = origin !== "namespace";
    const { namespace, id } = bundle;
    const task: ShimTask = new ShimTask({
      bundle,
      pid,
      connection,
      shimLog,
      log: this.#deps.log.child({ namespace, id }),
      wasLoaded,
      activity: this.#activity,
      memory: this.#memoryGroups.of(pid, id),
      hasSocketOfItsName: origin === "cold",
      endsShim: endsWithTask,
      isShared: () => [...this.#tasks].some((other) => other !== task && other.shimAddress === address.address),
      forget: async (shimEnded) => {
        this.#tasks.delete(task);
        await this.#remains.removeFiles({ bundle, address: endsWithTask ? address : "kept" }, shimEnded);
      },
      cleanUp: async (reason) => {
        const exit = await this.#remains.removeAll({ bundle, binary, address: endsWithTask ? address : "kept" });
        this.#tasks.delete(task);
        await this.#tell(bundle, exit, reason);
        return exit;
      },
    });
    this.#tasks.add(task);
    return task;
  }

  async #tell(bundle: Bundle, exit: ProcessExit, reason: string, isExitKnown = true): Promise<void> {
    const { namespace, id } = bundle;
    try {
      await this.#deps.onTaskGone({ namespace, id, exit, isExitKnown, reason });
    } catch (err) {
      this.#deps.log.error({ err, namespace, id }, "reporting the end of a task failed");
    }
  }
}

/**
 * Nobody waits for a create any more. A shim makes the container all the same and deletes it then; only one that takes too long
 * for that hears, by the end of the connection, that it is to stop: a runtime that is killed half-way leaves cgroups behind.
 * @returns whether the shim said that it has no container now.
 */
async function endUnanswered({ connection, bundle }: StartedShim): Promise<boolean> {
  const request = { id: bundle.id, execId: "" };
  const options = { timeoutMs: UNDO_TIMEOUT_MS };
  try {
    // A delete waits two seconds for the end of the output, which a container that is made and not started does not come to.
    const killing = connection.call(connection.methods.kill, { ...request, signal: SIGKILL, all: true }, options);
    await killing.catch((error: unknown) => {
      if (GIVEN_UP.has(errorKind(error))) throw error;
    });
    await connection.call(connection.methods.delete, request, options);
    return true;
  } catch (error) {
    if (isNotFound(error)) return true;
    if (GIVEN_UP.has(errorKind(error))) await connection[Symbol.asyncDispose]();
    return false;
  }
}

/** The runtime writes it when it has made the container. */
async function hasPid(bundle: Bundle): Promise<boolean> {
  try {
    await access(join(bundle.path, "init.pid"));
    return true;
  } catch {
    return false;
  }
}

/** Takes every runtime name that follows containerd's form, every absolute path, and the malformed ones to refuse them. */
export const shimDriver: DriverDefinition = {
  name: "shim",
  matches: () => true,
  create: (deps) => new ShimDriver(deps),
};
