// Finding the tasks of a former daemon: every bundle is asked for its shim, and what answers is a task again.
// @source containerd runtime/v2/manager.go (loadShims)
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { errorKind, isNotFound } from "../../../api/core/errors.js";
import { isIdentifier } from "../../../api/core/identifiers.js";
import type { Logger } from "../../../api/core/log.js";
import { type Bundle, type BundleRoots, bundleOf, listDir, removeLeftovers, TASK_PLUGIN } from "../../bundle.js";
import { type ShimAddress, socketPath } from "./bootstrap.js";
import { ShimConnection, type TaskConnection } from "./connection.js";
import { ShimLog } from "./log-fifo.js";
import { NO_LOG, servesNamespace } from "./namespace-shims.js";
import type { Remains } from "./remains.js";
import { readSavedAddress } from "./saved-shim.js";
import { removeDeadSocket } from "./socket.js";
import { untilStartEnded } from "./start-action.js";
import type { ShimTask } from "./task.js";

/** What one shim is given to answer. */
const LOAD_TIMEOUT_MS = 5_000;
/** What a shim that holds nothing any more is given to exit. */
const ENDING_TIMEOUT_MS = 1_000;
/** Bundles looked at together. */
const PARALLEL = 16;

export interface FoundShim {
  readonly bundle: Bundle;
  readonly binary: string;
  readonly shimLog: Disposable;
  readonly address: ShimAddress;
  readonly connection: TaskConnection;
  readonly pid: number;
}

export interface LoadDeps {
  readonly roots: BundleRoots;
  /** The daemon's, which stands on the command lines of its shims. */
  readonly address: string;
  readonly log: Logger;
  /** The shim's program; undefined when the container's record is gone too. */
  readonly binaryOf: (bundle: Bundle) => Promise<string | undefined>;
  /** A connection to a shim. @throws unavailable when nobody is there. */
  readonly reach: (bundle: Bundle, binary: string, address: ShimAddress, log: Logger) => Promise<TaskConnection>;
  readonly adopt: (found: FoundShim) => ShimTask;
  /** Cleans up what is no task any more, and tells why. */
  readonly discard: (remains: Remains, reason: string) => Promise<void>;
}

/** All tasks that are still there. What is none any more is discarded. */
export async function loadTasks(deps: LoadDeps): Promise<ShimTask[]> {
  const tasks: ShimTask[] = [];
  const namespaces = new Set<string>();
  for (const baseDir of [deps.roots.stateDir, deps.roots.rootDir]) {
    for (const name of await listDir(join(baseDir, TASK_PLUGIN))) if (isIdentifier(name)) namespaces.add(name);
  }
  for (const namespace of namespaces) {
    const names = await listDir(join(deps.roots.stateDir, TASK_PLUGIN, namespace));
    const queue = names.filter(isIdentifier).map((id) => bundleOf(deps.roots, namespace, id));
    const work = async (): Promise<void> => {
      for (let bundle = queue.pop(); bundle !== undefined; bundle = queue.pop()) {
        const task = await loadTask(deps, bundle);
        if (task !== undefined) tasks.push(task);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    const serving = new Set(tasks.map((task) => task.shimAddress));
    const hidden = names.filter((name) => name.startsWith("."));
    const folder = join(deps.roots.stateDir, TASK_PLUGIN, namespace);
    await Promise.all(hidden.map((name) => endShimOf(deps, join(folder, name), serving)));
    await removeLeftovers(deps.roots, namespace).catch((err: unknown) =>
      deps.log.error({ err, namespace }, "removing leftovers failed"),
    );
  }
  // One that ended while the others were looked at has been cleaned up already.
  return tasks.filter((task) => !task.isGone);
}

/** A bundle that was being removed: its shim was told to exit, perhaps too late to hear it. Never rejects. */
async function endShimOf({ log }: LoadDeps, path: string, serving: ReadonlySet<string>): Promise<void> {
  try {
    const address = await readSavedAddress(path);
    if (serving.has(address.address)) return;
    try {
      await using connection = await ShimConnection.open(address, log, ENDING_TIMEOUT_MS);
      // One that serves others of a group stays.
      const options = { timeoutMs: ENDING_TIMEOUT_MS };
      await connection.call(connection.methods.shutdown, { id: basename(path), now: false }, options);
      await connection.endsWithin(ENDING_TIMEOUT_MS);
    } finally {
      await removeDeadSocket(socketPath(address));
    }
  } catch (err) {
    log.debug({ err, path }, "no shim to end behind a removed bundle");
  }
}

async function loadTask(deps: LoadDeps, bundle: Bundle): Promise<ShimTask | undefined> {
  const log = deps.log.child({ namespace: bundle.namespace, id: bundle.id });
  try {
    const nothing = { bundle, binary: undefined, address: undefined };
    if ((await listDir(bundle.path)).length === 0) {
      await deps.discard(nothing, "its bundle was empty");
      return undefined;
    }
    const binary = await deps.binaryOf(bundle);
    if (binary === undefined) {
      await deps.discard(nothing, "neither its bundle nor a record told its runtime");
      return undefined;
    }
    return await reconnect(deps, bundle, binary, log);
  } catch (err) {
    log.error({ err }, "loading a task failed");
    return undefined;
  }
}

/** A shim that took the connection is left alone whatever it answers, except that it has no such container. */
async function reconnect(deps: LoadDeps, bundle: Bundle, binary: string, log: Logger): Promise<ShimTask | undefined> {
  const isShared = servesNamespace(binary);
  const shimLog = isShared ? NO_LOG : ShimLog.open(bundle.path, log);
  let address: ShimAddress | undefined;
  let connection: TaskConnection | undefined;
  try {
    address = await readAddress(deps, bundle);
    connection = await deps.reach(bundle, binary, address, log);
    const pid = await askPid(connection, bundle, log);
    return deps.adopt({ bundle, binary, shimLog, address, connection, pid });
  } catch (err) {
    if (connection === undefined && address !== undefined && !isNobodyThere(err)) {
      log.error({ err }, "cannot reach a shim; its bundle is left for the next start");
      shimLog[Symbol.dispose]();
      return undefined;
    }
    log.warn({ err }, "cleaning up a task without a shim");
    if (connection !== undefined) {
      // It may be alive and hold nothing: a daemon ended between starting it and creating the task.
      const options = { timeoutMs: LOAD_TIMEOUT_MS };
      const { id } = bundle;
      await connection.call(connection.methods.shutdown, { id, now: false }, options).catch(() => undefined);
      await connection[Symbol.asyncDispose]();
    }
    await deps.discard(
      { bundle, binary, address: isShared ? "kept" : address },
      reasonOf(err, connection !== undefined),
    );
    shimLog[Symbol.dispose]();
    return undefined;
  }
}

function reasonOf(error: unknown, wasReached: boolean): string {
  if (wasReached) return isNotFound(error) ? "its shim had no such container" : "its shim ended";
  return isNobodyThere(error) ? "its shim was gone" : "its create was cut short before there was a shim";
}

/** Nobody listens at the address. Anything else, such as a queue that is full, may pass. */
function isNobodyThere(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && (cause.code === "ECONNREFUSED" || cause.code === "ENOENT");
}

/** @throws when there is none, also after a `start` that was still running has ended. */
async function readAddress(deps: LoadDeps, bundle: Bundle): Promise<ShimAddress> {
  try {
    return await readSavedAddress(bundle.path);
  } catch {
    await untilStartEnded(deps.address, bundle, LOAD_TIMEOUT_MS);
    return await readSavedAddress(bundle.path);
  }
}

async function askPid(connection: TaskConnection, bundle: Bundle, log: Logger): Promise<number> {
  try {
    const request = { id: bundle.id, execId: "" };
    return (await connection.call(connection.methods.state, request, { timeoutMs: LOAD_TIMEOUT_MS })).pid;
  } catch (err) {
    if (isNotFound(err) || connection.isClosed) throw err;
    // Hung, or overloaded: its container may well be running, and cleaning up would kill it.
    log.warn({ err, kind: errorKind(err) }, "shim does not answer; its task is kept");
    const saved = await readFile(join(bundle.path, "init.pid"), "utf8").catch(() => "0");
    return Number.parseInt(saved, 10) || 0;
  }
}
