// The driver for tasks that are containers of a Docker engine. Nothing is dialled before the first such task, or before a start that
// may find some of a former daemon.
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Discovery } from "../../../api/core/doctor.js";
import { notImplemented, unknownError, wrapError } from "../../../api/core/errors.js";
import type { ProcessExit } from "../../../api/core/task.js";
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
import { envelopesOf, oomEvent } from "../../task-events.js";
import { TaskContainer } from "./container.js";
import { EngineSide } from "./engine-side.js";
import { examineDocker } from "./examine.js";
import { makeContainer, removeContainersOf } from "./make-container.js";
import { DOCKER_RUNTIME } from "./names.js";
import { parseDockerOptions } from "./options.js";
import { attachInit } from "./streams.js";
import { DockerTask } from "./task.js";
import { createTaskFile, readTaskFile, type TaskFile } from "./task-file.js";

/** What an engine is given at a start to tell of its containers. */
const LOAD_TIMEOUT_MS = 5_000;
const UNKNOWN_STATUS = 255;

class DockerDriver implements RuntimeDriver {
  readonly #deps: DriverDeps;
  readonly #folders: EngineFolders;
  #side: Promise<EngineSide> | undefined;
  #isDisposed = false;

  constructor(deps: DriverDeps) {
    this.#deps = deps;
    this.#folders = new EngineFolders(deps, DOCKER_RUNTIME);
  }

  checkOptions(_runtime: string, options: Any | undefined): { readonly checkpointPath: string } {
    parseDockerOptions(options);
    return { checkpointPath: "" };
  }

  async create(request: CreateTask, signal?: AbortSignal): Promise<DriverTask> {
    const { namespace, id } = request;
    const options = parseDockerOptions(request.options);
    if (request.checkpointPath !== "") throw notImplemented("a docker container restored from a checkpoint");
    const bundle = this.#folders.bundle(namespace, id);
    const side = await this.#opened();
    using _making = side.roster.making(namespace, id);
    await makeEngineBundle(bundle, request.spec);
    const { engine, owner } = side;
    const log = this.#deps.log.child({ namespace, id });
    try {
      const containerId = await makeContainer({ engine, request, options, owner, deps: this.#deps, log }, signal);
      try {
        const { stdin, stdout, stderr, terminal } = request;
        const stdio = { stdin, stdout, stderr, terminal };
        await attachInit(side.streams, { namespace, id, containerId, saved: stdio, again: false }, signal);
        const isLenient = options.isolation === "ignore";
        const saved = { ...stdio, containerId, pid: 0, isLenient, isOomTold: false, execs: {} };
        return this.#adopt(side, bundle, await createTaskFile(bundle.path, saved));
      } catch (error) {
        await removeContainersOf(engine, { owner, namespace, id }).catch((err: unknown) =>
          log.warn({ err }, "removing what a failed create left is put off"),
        );
        await side.streams.release(containerId, request).catch(() => undefined);
        throw error;
      }
    } catch (error) {
      await rm(bundle.path, { recursive: true, force: true });
      throw wrapError("failed to create docker task", error);
    }
  }

  async load(): Promise<DriverTask[]> {
    const bundles = await this.#folders.bundles();
    if (bundles.length === 0 && (await this.#folders.readOwner()) === undefined) return [];
    let side: EngineSide;
    try {
      side = await this.#opened(bundles);
    } catch (err) {
      // Such as an address that is none: whoever asks for a task is told, and the bundles wait for a better one.
      this.#deps.log.error({ err }, "docker tasks are not loaded");
      return [];
    }
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
    if (side !== undefined) yield* examineDocker(side, this.#folders, examination);
  }

  /** Lets go of all tasks, which go on running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    const side = await this.#side?.catch(() => undefined);
    await side?.[Symbol.asyncDispose]();
  }

  /** The engine, watched. @throws invalid_argument for an address that is none. */
  async #opened(bundles: readonly EngineBundle[] = []): Promise<EngineSide> {
    this.#side ??= this.#open(bundles).catch((error: unknown) => {
      this.#side = undefined;
      throw error;
    });
    return await this.#side;
  }

  async #open(bundles: readonly EngineBundle[]): Promise<EngineSide> {
    if (this.#isDisposed) throw unknownError("the driver was disposed");
    const owner = await this.#folders.ensureOwner();
    const side = new EngineSide(this.#deps, owner, (gone) => this.#tell(gone));
    // All are known before the engine is asked, which takes a container without a task for an orphan.
    await Promise.all(bundles.map((bundle) => this.#loadBundle(side, bundle)));
    side.watch();
    return side;
  }

  async #loadBundle(side: EngineSide, bundle: EngineBundle): Promise<void> {
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

  #adopt(side: EngineSide, bundle: EngineBundle, file: TaskFile): DockerTask {
    const { namespace, id } = bundle;
    const { clock, ledger } = this.#deps;
    const log = this.#deps.log.child({ namespace, id });
    const forget = async (): Promise<void> => {
      side.roster.remove(task);
      await side.streams
        .release(file.saved.containerId, file.saved)
        .catch((err: unknown) => log.warn({ err }, "the streams of a task were not let go"));
      await rm(bundle.path, { recursive: true, force: true });
    };
    const task: DockerTask = new DockerTask({
      container: new TaskContainer({
        bundle,
        file,
        engine: side.engine,
        streams: side.streams,
        clock,
        log,
        tellOom: () =>
          ledger
            .tell(envelopesOf(namespace, clock(), [oomEvent(id)]))
            .catch((err: unknown) => log.error({ err }, "writing a task event failed")),
        gone: async (exit: ProcessExit, isExitKnown: boolean, reason: string) => {
          await forget().catch((err: unknown) => log.error({ err }, "removing a bundle failed"));
          await this.#tell({ namespace, id, exit, isExitKnown, reason });
        },
      }),
      forget,
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

/** Takes the runtime `io.berth.docker.v1`. */
export const dockerDriver: DriverDefinition = {
  name: "docker",
  matches: (runtime) => runtime === DOCKER_RUNTIME,
  create: (deps) => new DockerDriver(deps),
};
