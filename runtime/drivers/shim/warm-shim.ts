// A shim without a task: how it is started ahead of time, how it becomes that of a task, and how it ends if it never does. Its
// folder looks like a bundle from the start, and becomes one by being renamed: the shim works and logs in it all along, and a later
// daemon finds it there as it finds every other. Until then it is kept apart from the bundles, so nobody takes it for a task.
import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isIdentifier } from "../../../api/core/identifiers.js";
import type { Logger } from "../../../api/core/log.js";
import { deleteTree, listDir } from "../../bundle.js";
import type { DriverDeps } from "../../driver.js";
import { startShim } from "./actions.js";
import type { ShimAddress } from "./bootstrap.js";
import { socketPath } from "./bootstrap.js";
import { ShimConnection } from "./connection.js";
import type { ShimGenerations } from "./generation.js";
import { ShimLog } from "./log-fifo.js";
import { readSavedAddress, saveShim } from "./saved-shim.js";
import { removeDeadSocket, removeDyingSocket, shimSocketPath } from "./socket.js";
import { untilStartEnded } from "./start-action.js";

/** Below the state folder; with a folder for each namespace in it. */
const WARM_FOLDER = "io.berth.warm-shims";
const CONNECT_TIMEOUT_MS = 10_000;
const END_TIMEOUT_MS = 3_000;
/** How long a `start` that a former daemon ran may still take. */
const FORMER_START_TIMEOUT_MS = 5_000;

/** What it is called until it has a task, on its command line for ever, and where it is. */
export interface WarmName {
  readonly namespace: string;
  readonly id: string;
  readonly path: string;
}

export interface WarmShim {
  readonly name: WarmName;
  readonly binary: string;
  readonly shimLog: ShimLog;
  readonly address: ShimAddress;
  readonly connection: ShimConnection;
  readonly pid: number;
}

const baseOf = (stateDir: string): string => join(stateDir, WARM_FOLDER);

/** A name that no shim has had. */
export function freshWarmName(stateDir: string, namespace: string): WarmName {
  const id = `warm-${randomBytes(8).toString("hex")}`;
  return { namespace, id, path: join(baseOf(stateDir), namespace, id) };
}

/** Starts a shim, or leaves nothing behind. @throws what the start says. */
export async function startWarmShim(
  deps: DriverDeps,
  generations: ShimGenerations,
  name: WarmName,
  binary: string,
): Promise<WarmShim> {
  const { namespace, id, path } = name;
  const log = deps.log.child({ namespace, id });
  let shimLog: ShimLog | undefined;
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
    // It looks for annotations there; those of the task come with the task.
    await writeFile(join(path, "config.json"), "{}");
    shimLog = ShimLog.open(path, log);
    const input = await generations.startInput(binary, { ...deps, namespace, id, options: undefined });
    const address = await startShim(deps, binary, name, input, undefined);
    const connection = await ShimConnection.open(address, deps.log, CONNECT_TIMEOUT_MS);
    try {
      // The answer shows that it serves.
      const { shimPid } = await connection.call(connection.methods.connect, { id }, { timeoutMs: CONNECT_TIMEOUT_MS });
      await saveShim(path, binary, address);
      return { name, binary, shimLog, address, connection, pid: shimPid };
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    await endFormer(deps, name, log).catch((err: unknown) => log.error({ err }, "ending a warm shim failed"));
    shimLog?.[Symbol.dispose]();
    throw error;
  }
}

/** Ends a shim that holds nothing, and removes what there is of it. Never rejects. */
export async function endWarmShim(shim: WarmShim, log: Logger): Promise<void> {
  const { name, connection, shimLog, address } = shim;
  try {
    await shutDown(connection, name.id, shim.pid);
    await removeDyingSocket(socketPath(address), END_TIMEOUT_MS);
    await deleteTree(name.path);
  } catch (err) {
    log.error({ err, namespace: name.namespace, id: name.id }, "ending a warm shim failed");
  } finally {
    shimLog[Symbol.dispose]();
  }
}

/** Ends the shims that a former daemon had started ahead and given no task. Never rejects. */
export async function endFormerWarmShims(deps: Pick<DriverDeps, "stateDir" | "address" | "log">): Promise<void> {
  const base = baseOf(deps.stateDir);
  for (const namespace of (await listDir(base)).filter(isIdentifier)) {
    const ids = (await listDir(join(base, namespace))).filter(isIdentifier);
    const ending = ids.map(async (id) => {
      const log = deps.log.child({ namespace, id });
      await endFormer(deps, { namespace, id, path: join(base, namespace, id) }, log).catch((err: unknown) =>
        log.error({ err }, "ending a former daemon's warm shim failed"),
      );
    });
    await Promise.all(ending);
  }
}

/** Of which only the folder is known: it may be starting, running or gone. */
async function endFormer(
  deps: Pick<DriverDeps, "stateDir" | "address" | "log">,
  name: WarmName,
  log: Logger,
): Promise<void> {
  const { namespace, id, path } = name;
  // It may wait for a reader before anything else.
  using _log = ShimLog.open(path, log);
  await untilStartEnded(deps.address, name, FORMER_START_TIMEOUT_MS);
  const address = await readSavedAddress(path).catch(() => undefined);
  if (address !== undefined) {
    const connection = await ShimConnection.open(address, log, END_TIMEOUT_MS).catch(() => undefined);
    if (connection !== undefined) {
      const asked = connection.call(connection.methods.connect, { id }, { timeoutMs: END_TIMEOUT_MS });
      const { shimPid } = await asked.catch(() => ({ shimPid: 0 }));
      await shutDown(connection, id, shimPid);
    }
    await removeDyingSocket(socketPath(address), END_TIMEOUT_MS);
  }
  // A start that was cut off may have got no further than its socket.
  await removeDeadSocket(shimSocketPath(deps.address, namespace, id));
  await deleteTree(path);
}

/** Asks it to exit and waits; one that does not is killed, as long as the connection shows that the pid is still its own. */
async function shutDown(connection: ShimConnection, id: string, pid: number): Promise<void> {
  await using dialled = connection;
  const timeoutMs = END_TIMEOUT_MS;
  await dialled.call(dialled.methods.shutdown, { id, now: false }, { timeoutMs }).catch(() => undefined);
  if ((await dialled.endsWithin(timeoutMs)) || pid === 0) return;
  process.kill(pid, "SIGKILL");
  await dialled.endsWithin(timeoutMs);
}
