// The driver for containerd's shims: every runtime that has a `containerd-shim-<name>-<version>` binary.
// @source containerd runtime/v2/manager.go
import { existsSync } from "node:fs";
import { access, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type ErrorKind, errorKind, isNotFound, wrapError } from "../../../api/core/errors.js";
import type { ProcessExit } from "../../../api/core/task.js";
import type { Any } from "../../../api/core/typeurl.js";
import { type Bundle, bundleOf, createBundle } from "../../bundle.js";
import type { CreateTask, DriverDefinition, DriverDeps, DriverTask, RuntimeDriver } from "../../driver.js";
import { isTtrpcClosed } from "../../ttrpc/client.js";
import { startShim } from "./actions.js";
import { type BinarySearch, resolveShimBinary } from "./binary.js";
import { parseShimAddress, type ShimAddress } from "./bootstrap.js";
import { ShimConnection } from "./connection.js";
import { ShimGenerations } from "./generation.js";
import { isInitRunning } from "./init-process.js";
import { loadTasks } from "./load.js";
import { ShimLog } from "./log-fifo.js";
import { presentOptions, runcOptions } from "./options.js";
import { RemainsCollector, UNKNOWN_EXIT_STATUS } from "./remains.js";
import { LONG_TIMEOUT_MS, ShimTask } from "./task.js";

const CONNECT_TIMEOUT_MS = 10_000;
/** containerd's budget for undoing a create that failed. */
const UNDO_TIMEOUT_MS = 5_000;

/** The answer may still be on its way. */
const GIVEN_UP: ReadonlySet<ErrorKind> = new Set(["cancelled", "deadline_exceeded"]);

/** What there is of a task so far; grows while it is made. */
interface Making {
  readonly bundle: Bundle;
  binary?: string;
  shimLog?: ShimLog;
  address?: ShimAddress;
  connection?: ShimConnection;
}

export class ShimDriver implements RuntimeDriver {
  readonly #deps: DriverDeps;
  readonly #remains: RemainsCollector;
  readonly #generations = new ShimGenerations();
  readonly #tasks = new Set<ShimTask>();

  constructor(deps: DriverDeps) {
    this.#deps = deps;
    this.#remains = new RemainsCollector(deps);
  }

  checkOptions(runtime: string, options: Any | undefined): { readonly checkpointPath: string } {
    return { checkpointPath: runcOptions(runtime, presentOptions(options))?.criuImagePath ?? "" };
  }

  async create(request: CreateTask, signal?: AbortSignal): Promise<DriverTask> {
    const options = presentOptions(request.options);
    runcOptions(request.runtime, options);
    const making = await this.#startShim(request, options, signal);
    try {
      const { connection } = making;
      const { namespace: _namespace, runtime: _runtime, spec: _spec, checkpointPath, rootfs, ...stdio } = request;
      const { pid } = await connection.call(
        connection.methods.create,
        {
          ...stdio,
          bundle: making.bundle.path,
          rootfs: rootfs.map((mount) => ({ ...mount, target: mount.target ?? "", options: [...mount.options] })),
          checkpoint: checkpointPath,
          parentCheckpoint: "",
          options,
        },
        { signal, timeoutMs: LONG_TIMEOUT_MS },
      );
      return this.#adopt({ ...making, pid }, false);
    } catch (error) {
      const isUnanswered = isTtrpcClosed(error) || GIVEN_UP.has(errorKind(error));
      const isSettled = !isUnanswered || (await endUnanswered(making));
      await this.#undo(making, !isSettled || (await hasPid(making.bundle)));
      throw wrapError("failed to create shim task", error);
    }
  }

  async load(runtimeOf: (namespace: string, id: string) => Promise<string | undefined>): Promise<DriverTask[]> {
    return await loadTasks({
      roots: this.#deps,
      log: this.#deps.log,
      binaryOf: async ({ namespace, id, path }) => {
        const saved = await readFile(join(path, "shim-binary-path"), "utf8").catch(() => "");
        const runtime = saved === "" ? await runtimeOf(namespace, id) : saved;
        return runtime === undefined ? undefined : await this.#resolve(runtime);
      },
      adopt: (parts) => this.#adopt(parts, true),
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

  /** Lets go of all tasks, which go on running. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#tasks].map((task) => task[Symbol.asyncDispose]()));
    await this.#remains[Symbol.asyncDispose]();
  }

  /** Everything up to a connection with a shim that has no container yet. */
  async #startShim(
    request: CreateTask,
    options: Any | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Required<Making>> {
    const { namespace, id, runtime, spec } = request;
    let making: Making | undefined;
    try {
      const bundle = await createBundle(this.#deps, namespace, id, spec);
      making = { bundle };
      const binary = await this.#resolve(runtime);
      making.binary = binary;
      const log = this.#deps.log.child({ namespace, id });
      const shimLog = ShimLog.open(bundle.path, log);
      making.shimLog = shimLog;
      const input = await this.#generations.startInput(binary, { ...this.#deps, namespace, id, options });
      const address = await startShim(this.#deps, binary, bundle, input, signal);
      making.address = address;
      const connection = await ShimConnection.open(address, log, CONNECT_TIMEOUT_MS);
      making.connection = connection;
      await writeFile(join(bundle.path, "shim-binary-path"), binary, { mode: 0o600 });
      // For the next daemon; shims of version 1.6 keep an `address` file of their own.
      await writeFile(join(bundle.path, "bootstrap.json"), JSON.stringify({ ...address, protocol: "ttrpc" }));
      return { bundle, binary, shimLog, address, connection };
    } catch (error) {
      if (making !== undefined) await this.#undo(making, false);
      throw wrapError("failed to start shim", error);
    }
  }

  async #resolve(runtime: string): Promise<string> {
    const search: BinarySearch = {
      path: process.env["PATH"] ?? "",
      programDir: dirname(this.#deps.publishBinary),
    };
    try {
      return await resolveShimBinary(runtime, search);
    } catch (error) {
      throw wrapError("failed to resolve runtime path", error);
    }
  }

  #adopt(parts: Required<Making> & { readonly pid: number }, wasLoaded: boolean): ShimTask {
    const { bundle, binary, address, connection, shimLog, pid } = parts;
    const { namespace, id } = bundle;
    const task: ShimTask = new ShimTask({
      bundle,
      pid,
      connection,
      shimLog,
      log: this.#deps.log.child({ namespace, id }),
      wasLoaded,
      isShared: () => [...this.#tasks].some((other) => other !== task && other.shimAddress === address.address),
      forget: async () => {
        this.#tasks.delete(task);
        await this.#remains.removeFiles({ bundle, address });
      },
      cleanUp: async (reason) => {
        const exit = await this.#remains.removeAll({ bundle, binary, address });
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

  /**
   * After a failed create: ends whatever was started, in a time of its own, and removes all of it. Never rejects.
   * `delete` is run only where the runtime may have got as far as a container: a refusal can also mean that another engine on
   * this host has one of the same name, and that one must live.
   */
  async #undo(making: Making, mayHaveContainer: boolean): Promise<void> {
    const { bundle, shimLog } = making;
    const { id, namespace } = bundle;
    try {
      const isOpen = making.connection !== undefined && !making.connection.isClosed;
      const connection = isOpen ? making.connection : await this.#findShim(making);
      if (connection !== undefined) {
        await using dialled = connection;
        const options = { timeoutMs: UNDO_TIMEOUT_MS };
        // It has nothing to delete, as a rule, and says so.
        await dialled.call(dialled.methods.delete, { id, execId: "" }, options).catch(() => undefined);
        await dialled.call(dialled.methods.shutdown, { id, now: false }, options).catch(() => undefined);
      }
    } catch (err) {
      this.#deps.log.debug({ err, namespace, id }, "no shim to shut down after a failed create");
    }
    const binary = mayHaveContainer ? making.binary : undefined;
    await this.#remains.removeAll({ bundle, binary, address: making.address });
    shimLog?.[Symbol.dispose]();
  }

  /** A `start` that was cut off may have brought up a shim all the same. */
  async #findShim(making: Making): Promise<ShimConnection | undefined> {
    if (making.address === undefined) {
      const saved = await readFile(join(making.bundle.path, "address")).catch(() => undefined);
      if (saved === undefined) return undefined;
      making.address = parseShimAddress(saved);
    }
    return await ShimConnection.open(making.address, this.#deps.log, UNDO_TIMEOUT_MS);
  }
}

/**
 * Nobody waits for a create any more. A shim makes the container all the same and deletes it then; only one that takes too long
 * for that hears, by the end of the connection, that it is to stop: a runtime that is killed half-way leaves cgroups behind.
 * @returns whether the shim said that it has no container now.
 */
async function endUnanswered({ connection, bundle }: Required<Making>): Promise<boolean> {
  const request = { id: bundle.id, execId: "" };
  try {
    await connection.call(connection.methods.delete, request, { timeoutMs: UNDO_TIMEOUT_MS });
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
