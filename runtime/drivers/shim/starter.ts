// How a task comes to its shim: one that waits for a task already, else one that is started now. And how that is undone.
import { readFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { ContainerdError, wrapError } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { Any } from "../../../api/core/typeurl.js";
import type { Options } from "../../../api/gen/types/runc/options/oci.js";
import { type Bundle, createBundle } from "../../bundle.js";
import type { CreateTask, DriverDeps } from "../../driver.js";
import { withOptDir } from "../../opt-dir.js";
import { startShim, type Workplace } from "./actions.js";
import type { Activity } from "./activity.js";
import { type BinarySearch, isExecutable, resolveShimBinary } from "./binary.js";
import { parseShimAddress, type ShimAddress } from "./bootstrap.js";
import { ShimConnection, type TaskConnection } from "./connection.js";
import { ShimGenerations } from "./generation.js";
import { isGrouped } from "./grouping.js";
import { ShimLog } from "./log-fifo.js";
import { NamespaceShims, NO_LOG, servesNamespace } from "./namespace-shims.js";
import type { RemainsCollector } from "./remains.js";
import { saveShim } from "./saved-shim.js";
import { endWarmShim, startWarmShim, type WarmName, type WarmShim } from "./warm-shim.js";
import { WarmShims } from "./warm-shims.js";

/** containerd's budget for undoing a create that failed. */
export const UNDO_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** What the shim of a former daemon is given to take a connection. */
const REACH_TIMEOUT_MS = 5_000;
/** Others may make more of the folder and the name that they are started with than runc's, which is told both again at Create. */
const WARM_BINARY = "containerd-shim-runc-v2";

/** What there is of a task so far; grows while it is made. */
interface Making {
  readonly bundle: Bundle;
  binary?: string;
  shimLog?: Disposable;
  address?: ShimAddress;
  connection?: TaskConnection;
}

/** A shim that has a bundle, and no container yet. */
export interface StartedShim extends Readonly<Required<Making>> {
  /** `cold`: started for the task. `warm`: started ahead of it, under another name. `namespace`: it serves all of the namespace. */
  readonly origin: "cold" | "warm" | "namespace";
  /** Resolves when the bundle says where the shim is, which may go on beside the create. */
  readonly saved?: Promise<void>;
}

export class ShimStarter implements AsyncDisposable {
  readonly #deps: DriverDeps;
  readonly #remains: RemainsCollector;
  readonly #generations = new ShimGenerations();
  /** Where the program of each runtime that has a name was found last. */
  readonly #found = new Map<string, string>();
  readonly #warm: WarmShims;
  readonly #shared: NamespaceShims;

  constructor(deps: DriverDeps, remains: RemainsCollector, activity: Activity) {
    const { stateDir, log, warmShims = 0 } = deps;
    this.#deps = deps;
    this.#remains = remains;
    const start = (name: WarmName, binary: string): Promise<WarmShim> =>
      startWarmShim(deps, this.#generations, name, binary);
    this.#shared = new NamespaceShims(deps);
    this.#warm = new WarmShims({ stateDir, log, count: warmShims, activity, start });
  }

  /** Where programs are looked for, colon-separated. */
  get searchPath(): string {
    return withOptDir(this.#deps.rootDir, process.env)["PATH"] ?? "";
  }

  /**
   * A place where a program was found stays its place for as long as it is there: one that is put before it in PATH later is not
   * seen by this daemon.
   * @source containerd runtime/v2/manager.go (resolveRuntimePath keeps what it found)
   * @throws kind unknown: `failed to resolve runtime path: …`.
   */
  async resolve(runtime: string): Promise<string> {
    const known = this.#found.get(runtime);
    if (known !== undefined && (await isExecutable(known))) return known;
    const search: BinarySearch = { path: this.searchPath, programDir: dirname(this.#deps.publishBinary) };
    try {
      const found = await resolveShimBinary(runtime, search);
      if (!isAbsolute(runtime)) this.#found.set(runtime, found);
      return found;
    } catch (error) {
      throw wrapError("failed to resolve runtime path", error);
    }
  }

  /**
   * A shim for a task, taken or started; with the word whether tasks like it can be given one that was started ahead.
   * @param decoded the options, where they are runc's.
   * @throws `failed to start shim: …`; nothing is left behind then.
   */
  async start(
    request: CreateTask,
    options: Any | undefined,
    decoded: Options | undefined,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly shim: StartedShim; readonly canBeWarm: boolean }> {
    const binary = await this.resolve(request.runtime).catch((error: unknown) => {
      throw wrapError("failed to start shim", error);
    });
    // A group shares a shim, found by the group's name. A cgroup for the shim is joined by its start.
    const canBeWarm =
      basename(binary) === WARM_BINARY && (decoded?.shimCgroup ?? "") === "" && !isGrouped(request.spec);
    const warm = canBeWarm ? this.#warm.take(request.namespace, binary) : undefined;
    const given = warm === undefined ? undefined : await this.#give(warm, request);
    const shim = given ?? (await this.startCold(request, options, signal));
    return { shim, canBeWarm };
  }

  /** A task of the kind was made, and others may follow. */
  wanted(namespace: string, binary: string): void {
    this.#warm.wanted(namespace, binary);
  }

  /** What the shims are called that were not started for a task and still run, with a task or without. */
  names(): readonly Workplace[] {
    return [...this.#warm.names(), ...this.#shared.names()];
  }

  /** A connection to the shim of a task that a former daemon made. @throws unavailable when nobody is there. */
  async reach({ namespace }: Bundle, binary: string, address: ShimAddress, log: Logger): Promise<TaskConnection> {
    return servesNamespace(binary)
      ? await this.#shared.borrowRunning(namespace, binary, address)
      : await ShimConnection.open(address, log, REACH_TIMEOUT_MS);
  }

  /** Lets go of the shims of namespaces; those without tasks end. `inUse` are the addresses of the others. */
  async leave(inUse: ReadonlySet<string>): Promise<void> {
    await this.#shared.close(inUse);
  }

  /** Everything up to a connection with a shim of the task's own name. @throws `failed to start shim: …`. */
  async startCold(
    request: CreateTask,
    options: Any | undefined,
    signal: AbortSignal | undefined,
  ): Promise<StartedShim> {
    const { namespace, id, runtime, spec } = request;
    let making: Making | undefined;
    try {
      const bundle = await createBundle(this.#deps, namespace, id, spec);
      making = { bundle };
      const binary = await this.resolve(runtime);
      making.binary = binary;
      if (servesNamespace(binary)) {
        const connection = await this.#shared.borrow(namespace, binary);
        making.connection = connection;
        const { address } = connection;
        making.address = address;
        const saved = saveShim(bundle.path, binary, address);
        saved.catch(() => undefined);
        return { bundle, binary, shimLog: NO_LOG, address, connection, origin: "namespace", saved };
      }
      const log = this.#deps.log.child({ namespace, id });
      const shimLog = ShimLog.open(bundle.path, log);
      making.shimLog = shimLog;
      const input = await this.#generations.startInput(binary, { ...this.#deps, namespace, id, options });
      const address = await startShim(this.#deps, binary, bundle, input, signal);
      making.address = address;
      const connection = await ShimConnection.open(address, log, CONNECT_TIMEOUT_MS);
      making.connection = connection;
      await saveShim(bundle.path, binary, address);
      return { bundle, binary, shimLog, address, connection, origin: "cold" };
    } catch (error) {
      if (making !== undefined) await this.undo(making, false);
      throw explained(wrapError("failed to start shim", error), making?.binary);
    }
  }

  /**
   * After a failed create: ends whatever was started, in a time of its own, and removes all of it. Never rejects.
   * `delete` is run only where the runtime may have got as far as a container: a refusal can also mean that another engine on
   * this host has one of the same name, and that one must live.
   */
  async undo(making: Readonly<Making>, mayHaveContainer: boolean): Promise<void> {
    const { bundle, shimLog } = making;
    const { id, namespace } = bundle;
    let { address } = making;
    try {
      address ??= await savedByStart(bundle);
      const isOpen = making.connection !== undefined && !making.connection.isClosed;
      const connection = isOpen ? making.connection : await this.#dial(address);
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
    const { binary } = making;
    const isKept = binary !== undefined && servesNamespace(binary);
    await this.#remains.removeAll({
      bundle,
      binary: mayHaveContainer ? binary : undefined,
      address: isKept ? "kept" : address,
    });
    shimLog?.[Symbol.dispose]();
  }

  /** Ends the shims that have no task. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#warm[Symbol.asyncDispose]();
  }

  /** Makes the folder of a warm shim the bundle. @returns undefined when that fails, for one when the folder is gone; the shim has ended then. */
  async #give(warm: WarmShim, { namespace, id, spec }: CreateTask): Promise<StartedShim | undefined> {
    const { binary, shimLog, address, connection, name } = warm;
    const log = this.#deps.log.child({ namespace, id });
    try {
      const bundle = await createBundle(this.#deps, namespace, id, spec, name.path);
      shimLog.redirect(log);
      return { bundle, binary, shimLog, address, connection, origin: "warm" };
    } catch (err) {
      // Whatever is no fault of the shim's will be told by the start of another one.
      log.debug({ err }, "a shim that was started ahead cannot be given to the task");
      await endWarmShim(warm, log);
      return undefined;
    }
  }

  async #dial(address: ShimAddress | undefined): Promise<ShimConnection | undefined> {
    return address === undefined ? undefined : await ShimConnection.open(address, this.#deps.log, UNDO_TIMEOUT_MS);
  }
}

/** A `start` that was cut off may have brought up a shim all the same. */
async function savedByStart(bundle: Bundle): Promise<ShimAddress | undefined> {
  const saved = await readFile(join(bundle.path, "address")).catch(() => undefined);
  return saved === undefined ? undefined : parseShimAddress(saved);
}

/** A shim that fails for a user tells what it could not do; the user must also know that it would take root. */
function explained(error: ContainerdError, binary: string | undefined): ContainerdError {
  if (process.geteuid?.() === 0 || binary === undefined || servesNamespace(binary)) return error;
  const hint = `containers take root, and this daemon is of uid ${process.geteuid?.()}; io.berth.process.v1 does without`;
  return new ContainerdError(error.kind, `${error.message} (${hint})`, { cause: error });
}
