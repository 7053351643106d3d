// The driver for tasks that are system containers of LXD: instances that it makes of an image, or that are there already. LXD is not dialled
// before the first such task, or before a start that may find some of a former daemon.
import { setMaxListeners } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Discovery } from "../../../api/core/doctor.js";
import { invalidArgument, notImplemented, unknownError, wrapError } from "../../../api/core/errors.js";
import type { Any } from "../../../api/core/typeurl.js";
import type {
  CreateTask,
  DriverDefinition,
  DriverDeps,
  DriverExamination,
  DriverTask,
  RuntimeDriver,
  TaskGone,
} from "../../driver.js";
import { type EngineBundle, EngineFolders, makeEngineBundle } from "../../engine-driver/folders.js";
import { getInstance } from "../../lxd/instances.js";
import type { LxdServer } from "../../lxd/server.js";
import { examineLxd } from "./examine.js";
import { LxdSide } from "./lxd-side.js";
import { makeInstance, removeInstance } from "./make-instance.js";
import { LXD_RUNTIME, uuidOf } from "./names.js";
import { type LxdOptions, parseLxdOptions } from "./options.js";
import { LxdTask } from "./task.js";
import { createTaskFile, readTaskFile, type TaskFile } from "./task-file.js";

/** What LXD is given at a start to tell of its instances. */
const LOAD_TIMEOUT_MS = 5_000;
const UNKNOWN_STATUS = 255;

class LxdDriver implements RuntimeDriver {
  readonly #deps: DriverDeps;
  readonly #folders: EngineFolders;
  readonly #disposed = new AbortController();
  #side: Promise<LxdSide> | undefined;

  constructor(deps: DriverDeps) {
    this.#deps = deps;
    this.#folders = new EngineFolders(deps, LXD_RUNTIME);
    // Each exec that runs listens to it.
    setMaxListeners(0, this.#disposed.signal);
  }

  checkOptions(_runtime: string, options: Any | undefined): { readonly checkpointPath: string } {
    parseLxdOptions(options);
    return { checkpointPath: "" };
  }

  async create(request: CreateTask, signal?: AbortSignal): Promise<DriverTask> {
    const { namespace, id } = request;
    const options = parseLxdOptions(request.options);
    if (request.checkpointPath !== "") throw notImplemented("an LXD container restored from a checkpoint");
    const bundle = this.#folders.bundle(namespace, id);
    const side = await this.#opened();
    using _making = side.roster.making(namespace, id);
    await makeEngineBundle(bundle, request.spec);
    try {
      return await this.#create(side, bundle, request, options, signal);
    } catch (error) {
      await rm(bundle.path, { recursive: true, force: true });
      throw wrapError("failed to create lxd task", error);
    }
  }

  async load(): Promise<DriverTask[]> {
    const bundles = await this.#folders.bundles();
    if (bundles.length === 0 && (await this.#folders.readOwner()) === undefined) return [];
    const side = await this.#opened(bundles);
    await side.looked(LOAD_TIMEOUT_MS);
    return side.roster.all();
  }

  async hasRemains(namespace: string, id: string): Promise<boolean> {
    return existsSync(this.#folders.bundle(namespace, id).path);
  }

  attended(): readonly [] {
    return [];
  }

  /** Nothing is said of an engine that has never been used. */
  async *examine(examination: DriverExamination): AsyncGenerator<Discovery> {
    const side = await this.#side?.catch(() => undefined);
    if (side !== undefined) yield* examineLxd(side, this.#folders, examination);
  }

  /** Lets go of all tasks, which go on running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    const side = await this.#side?.catch(() => undefined);
    await side?.[Symbol.asyncDispose]();
  }

  /** LXD, watched. */
  async #opened(bundles: readonly EngineBundle[] = []): Promise<LxdSide> {
    this.#side ??= this.#open(bundles).catch((error: unknown) => {
      this.#side = undefined;
      throw error;
    });
    return await this.#side;
  }

  async #open(bundles: readonly EngineBundle[]): Promise<LxdSide> {
    if (this.#disposed.signal.aborted) throw unknownError("the driver was disposed");
    const owner = await this.#folders.ensureOwner();
    const side = new LxdSide(this.#deps, owner, (gone) => this.#tell(gone));
    // All are known before LXD is asked, which takes an instance without a task for an orphan.
    await Promise.all(bundles.map((bundle) => this.#loadBundle(side, bundle)));
    side.watch();
    return side;
  }

  async #create(
    side: LxdSide,
    bundle: EngineBundle,
    request: CreateTask,
    options: LxdOptions,
    signal: AbortSignal | undefined,
  ): Promise<LxdTask> {
    const { server, owner, streams } = side;
    const log = this.#deps.log.child({ namespace: bundle.namespace, id: bundle.id });
    const isAdopted = options.instance !== undefined;
    const instance =
      options.instance === undefined
        ? await makeInstance({ server, request, options, owner, log }, signal)
        : await adoptable(server, options.instance, signal);
    using _claimed = side.roster.claim(instance);
    const { stdin, stdout, stderr, terminal } = request;
    const stdio = { stdin, stdout, stderr, terminal };
    try {
      const uuid = uuidOf(await getInstance(server, instance, { signal }));
      const saved = { ...stdio, instance, uuid, isAdopted, isStarted: false, pid: 0, execs: {} };
      await streams.attachConsole(bundle, saved, false, signal);
      return this.#adopt(side, bundle, await createTaskFile(bundle.path, saved));
    } catch (error) {
      await streams.releaseConsole(bundle, stdio).catch(() => undefined);
      if (!isAdopted) {
        await removeInstance(server, instance).catch((err: unknown) =>
          log.warn({ err }, "removing what a failed create left is put off"),
        );
      }
      throw error;
    }
  }

  async #loadBundle(side: LxdSide, bundle: EngineBundle): Promise<void> {
    const { namespace, id } = bundle;
    const log = this.#deps.log.child({ namespace, id });
    try {
      const file = await readTaskFile(bundle.path);
      if (file !== undefined) {
        this.#adopt(side, bundle, file);
        return;
      }
    } catch (err) {
      log.error({ err }, "a task's file cannot be read; the task is left alone");
      side.roster.making(namespace, id);
      return;
    }
    side.roster.alreadyTold(namespace, id);
    await rm(bundle.path, { recursive: true, force: true });
    const exit = { pid: 0, exitStatus: UNKNOWN_STATUS, exitedAtNs: this.#deps.clock() };
    await this.#tell({ namespace, id, exit, isExitKnown: false, reason: "its create was cut short" });
  }

  #adopt(side: LxdSide, bundle: EngineBundle, file: TaskFile): LxdTask {
    const { namespace, id } = bundle;
    const log = this.#deps.log.child({ namespace, id });
    const forget = async (): Promise<void> => {
      side.roster.remove(task);
      await side.streams
        .releaseConsole(bundle, file.saved)
        .catch((err: unknown) => log.warn({ err }, "the streams of a task were not let go"));
      await rm(bundle.path, { recursive: true, force: true });
    };
    const task = new LxdTask({
      bundle,
      file,
      server: side.server,
      streams: side.streams,
      clock: this.#deps.clock,
      log,
      disposed: this.#disposed.signal,
      isListening: () => side.isListening,
      forget,
      gone: async (exit, isExitKnown, reason) => {
        if (!side.roster.remove(task)) return;
        await forget().catch((err: unknown) => log.warn({ err }, "a bundle is left behind"));
        await this.#tell({ namespace, id, exit, isExitKnown, reason });
      },
    });
    side.roster.add(task);
    return task;
  }

  async #tell(gone: TaskGone): Promise<void> {
    try {
      await this.#deps.onTaskGone(gone);
    } catch (err) {
      const { namespace, id } = gone;
      this.#deps.log.error({ err, namespace, id }, "reporting the end of a task failed");
    }
  }
}

/** An instance that is there, as LXD writes its name. @throws not_found. */
async function adoptable(server: LxdServer, wanted: string, signal: AbortSignal | undefined): Promise<string> {
  const { name, type } = await getInstance(server, wanted, { signal });
  if (type !== "container") throw invalidArgument(`lxd: instance ${name} is no container`);
  return name;
}

/** Takes the runtime `io.berth.lxd.v1`. */
export const lxdDriver: DriverDefinition = {
  name: "lxd",
  matches: (runtime) => runtime === LXD_RUNTIME,
  create: (deps) => new LxdDriver(deps),
};
