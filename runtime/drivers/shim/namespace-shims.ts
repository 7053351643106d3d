// Shims that serve every task of a namespace. One connection to each is kept while there are tasks, and for a while after: the next
// task costs no process, neither to start its shim nor to clean up behind it.
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { deleteTree } from "../../bundle.js";
import type { DriverDeps } from "../../driver.js";
import { startShim, type Workplace } from "./actions.js";
import { type ShimAddress, socketPath } from "./bootstrap.js";
import { BorrowedConnection } from "./borrowed-connection.js";
import { ShimConnection, type TaskConnection } from "./connection.js";
import { ShimLog } from "./log-fifo.js";
import { readSavedAddress, saveShim } from "./saved-shim.js";
import { removeDeadSocket } from "./socket.js";

/** Programs that promise to serve a whole namespace of one daemon, and to find the one that does when they are started again. */
const NAMESPACE_BINARIES: ReadonlySet<string> = new Set(["containerd-shim-process-v1"]);
/** Below the state folder; with a folder for each namespace in it, and in that one for each program. */
const FOLDER = "io.berth.namespace-shims";
const CONNECT_TIMEOUT_MS = 10_000;
const END_TIMEOUT_MS = 3_000;
/** How long a namespace may be without a task before its shim is let go. */
const IDLE_MS = 30_000;

export type NamespaceShimsDeps = Pick<
  DriverDeps,
  "rootDir" | "stateDir" | "address" | "ttrpcAddress" | "publishBinary" | "debug" | "log"
>;

/** For its tasks: what it has to say, it says in a folder of its own. */
export const NO_LOG: Disposable = { [Symbol.dispose]: () => {} };

/** Whether one shim of this program serves all tasks of a namespace. */
export function servesNamespace(binary: string): boolean {
  return NAMESPACE_BINARIES.has(basename(binary));
}

interface Shelf {
  readonly place: Workplace;
  readonly binary: string;
  readonly connection: ShimConnection;
  readonly shimLog: ShimLog;
  borrowers: number;
  idle: NodeJS.Timeout | undefined;
}

export class NamespaceShims {
  readonly #deps: NamespaceShimsDeps;
  readonly #shelves = new Map<string, Promise<Shelf>>();
  readonly #places = new Map<string, Workplace>();
  readonly #ending = new Set<Promise<void>>();

  constructor(deps: NamespaceShimsDeps) {
    this.#deps = deps;
  }

  /** The names that they are started under. */
  names(): readonly Workplace[] {
    return [...this.#places.values()];
  }

  /** A connection to the namespace's shim, which is started if there is none. @throws what its start says. */
  async borrow(namespace: string, binary: string): Promise<TaskConnection> {
    return await this.#borrow(namespace, binary, (place) => this.#findOrStart(place, binary));
  }

  /** A connection to the shim of a task that a former daemon made. @throws unavailable when nobody is there. */
  async borrowRunning(namespace: string, binary: string, address: ShimAddress): Promise<TaskConnection> {
    return await this.#borrow(namespace, binary, () => this.#dial(address));
  }

  /** Lets go of all. Those that have no task end; `inUse` are the addresses of the others. */
  async close(inUse: ReadonlySet<string>): Promise<void> {
    const shelves = await Promise.allSettled(this.#shelves.values());
    for (const shelf of shelves) if (shelf.status === "fulfilled") this.#end(shelf.value, inUse);
    await Promise.all(this.#ending);
  }

  async #borrow(
    namespace: string,
    binary: string,
    open: (place: Workplace) => Promise<ShimConnection>,
  ): Promise<TaskConnection> {
    const key = `${namespace} ${binary}`;
    const shelf = await this.#shelf(key, namespace, binary, open);
    shelf.borrowers += 1;
    clearTimeout(shelf.idle);
    return new BorrowedConnection(shelf.connection, () => {
      shelf.borrowers -= 1;
      if (shelf.borrowers === 0) shelf.idle = setTimeout(() => this.#end(shelf, new Set()), IDLE_MS).unref();
    });
  }

  /** All that ask for one while it is opened get the same. */
  async #shelf(
    key: string,
    namespace: string,
    binary: string,
    open: (place: Workplace) => Promise<ShimConnection>,
  ): Promise<Shelf> {
    const known = this.#shelves.get(key);
    if (known !== undefined) return await known;
    const name = basename(binary);
    const place = { namespace, id: name, path: join(this.#deps.stateDir, FOLDER, namespace, name) };
    this.#places.set(key, place);
    const opening = this.#open(place, binary, open);
    this.#shelves.set(key, opening);
    const forget = (): void => {
      if (this.#shelves.get(key) !== opening) return;
      this.#shelves.delete(key);
      this.#places.delete(key);
    };
    try {
      const shelf = await opening;
      void shelf.connection.closed.then(() => {
        forget();
        clearTimeout(shelf.idle);
        shelf.shimLog[Symbol.dispose]();
      });
      return shelf;
    } catch (error) {
      forget();
      throw error;
    }
  }

  async #open(place: Workplace, binary: string, open: (place: Workplace) => Promise<ShimConnection>): Promise<Shelf> {
    await mkdir(place.path, { recursive: true, mode: 0o700 });
    const shimLog = ShimLog.open(place.path, this.#deps.log.child({ namespace: place.namespace }));
    try {
      return { place, binary, connection: await open(place), shimLog, borrowers: 0, idle: undefined };
    } catch (error) {
      shimLog[Symbol.dispose]();
      throw error;
    }
  }

  /** One that a former daemon had may still be there. */
  async #findOrStart(place: Workplace, binary: string): Promise<ShimConnection> {
    const saved = await readSavedAddress(place.path).catch(() => undefined);
    const running = saved === undefined ? undefined : await this.#dial(saved).catch(() => undefined);
    if (running !== undefined) return running;
    try {
      return await this.#start(place, binary);
    } catch (err) {
      // It may have found one that was just ending.
      this.#deps.log.debug({ err, namespace: place.namespace }, "starting a shim once more");
      return await this.#start(place, binary);
    }
  }

  async #start(place: Workplace, binary: string): Promise<ShimConnection> {
    const address = await startShim(this.#deps, binary, place, Buffer.alloc(0), undefined);
    const connection = await this.#dial(address);
    await saveShim(place.path, binary, address);
    return connection;
  }

  /** The answer shows that it serves. */
  async #dial(address: ShimAddress): Promise<ShimConnection> {
    const connection = await ShimConnection.open(address, this.#deps.log, CONNECT_TIMEOUT_MS);
    try {
      await connection.call(connection.methods.connect, { id: "" }, { timeoutMs: CONNECT_TIMEOUT_MS });
      return connection;
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  #end(shelf: Shelf, inUse: ReadonlySet<string>): void {
    clearTimeout(shelf.idle);
    const ending = this.#endNow(shelf, inUse)
      .catch((err: unknown) => this.#deps.log.error({ err, namespace: shelf.place.namespace }, "ending a shim failed"))
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** A shim that has tasks does not end by being asked. Its folder stays, for its lines and the next daemon. */
  async #endNow({ connection, place }: Shelf, inUse: ReadonlySet<string>): Promise<void> {
    await using dialled = connection;
    if (inUse.has(dialled.address.address)) return;
    const options = { timeoutMs: END_TIMEOUT_MS };
    await dialled.call(dialled.methods.shutdown, { id: place.id, now: true }, options).catch(() => undefined);
    if (!(await dialled.endsWithin(END_TIMEOUT_MS))) return;
    await removeDeadSocket(socketPath(dialled.address));
    await deleteTree(place.path);
  }
}
