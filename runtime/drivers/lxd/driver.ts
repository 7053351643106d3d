// The driver for tasks that are instances of LXD: system containers, made of an image of LXD's that the options name. LXD is not dialled
// before the first of them, or before a start that may find some of a former daemon.
import { setMaxListeners } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isNotFound, notImplemented, wrapError } from "../../../api/core/errors.js";
import type { ProcessExit } from "../../../api/core/task.js";
import type { Any } from "../../../api/core/typeurl.js";
import type { CreateTask, DriverDefinition, DriverDeps, DriverTask, RuntimeDriver, TaskGone } from "../../driver.js";
import { createInstance, deleteInstance, getInstance, type InstanceSource } from "../../lxd/instances.js";
import { LxdServer } from "../../lxd/server.js";
import { instanceName } from "./instance-name.js";
import { type LxdOptions, parseLxdOptions } from "./options.js";
import { LxdTask } from "./task.js";
import { LXD_RUNTIME, listBundles, lxdBundle, TaskFile, type TaskName } from "./task-file.js";
import { LxdWatch } from "./watch.js";

/** What LXD is given at a start to tell of its instances. */
const LOAD_TIMEOUT_MS = 5_000;
const LXD_DIR = "/var/lib/lxd";
const UNKNOWN_STATUS = 255;

class LxdDriver implements RuntimeDriver {
  readonly #deps: DriverDeps;
  readonly #server: LxdServer;
  /** By the names of their instances. */
  readonly #tasks = new Map<string, LxdTask>();
  readonly #disposed = new AbortController();
  #watch: LxdWatch | undefined;

  constructor(deps: DriverDeps) {
    this.#deps = deps;
    const socketPath = deps.lxdSocket ?? join(process.env["LXD_DIR"] ?? LXD_DIR, "unix.socket");
    this.#server = new LxdServer({ socketPath });
    setMaxListeners(0, this.#disposed.signal);
  }

  checkOptions(_runtime: string, options: Any | undefined): { readonly checkpointPath: string } {
    parseLxdOptions(options);
    return { checkpointPath: "" };
  }

  async create(request: CreateTask, signal?: AbortSignal): Promise<DriverTask> {
    const { namespace, id, spec } = request;
    const options = parseLxdOptions(request.options);
    if (request.checkpointPath !== "") throw notImplemented("a system container restored from a checkpoint");
    const instance = instanceName(namespace, id);
    this.#follow();
    const file = await TaskFile.create(lxdBundle(this.#deps, { namespace, id }), instance, spec);
    try {
      await makeInstance(this.#server, { namespace, id }, instance, options, signal);
      await file.update({ isMade: true });
      return this.#adopt({ namespace, id }, file);
    } catch (error) {
      await file.remove();
      throw wrapError("failed to create lxd task", error);
    }
  }

  async load(): Promise<DriverTask[]> {
    const names = await listBundles(this.#deps);
    if (names.length === 0) return [];
    for (const name of names) await this.#load(name);
    this.#follow();
    await Promise.race([this.#watch?.looked, sleep(LOAD_TIMEOUT_MS, undefined, { ref: false })]);
    return [...this.#tasks.values()];
  }

  async hasRemains(namespace: string, id: string): Promise<boolean> {
    return existsSync(lxdBundle(this.#deps, { namespace, id }));
  }

  attended(): readonly [] {
    return [];
  }

  /** Lets go of all tasks, which go on running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    await this.#watch?.[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }

  #follow(): void {
    this.#watch ??= new LxdWatch({
      server: this.#server,
      log: this.#deps.log,
      onEvent: (instance, action) => this.#tasks.get(instance)?.heard(action),
      onLook: async () => {
        for (const task of this.#tasks.values()) {
          const { namespace, id } = task;
          await task
            .look()
            .catch((err: unknown) => this.#deps.log.debug({ err, namespace, id }, "lxd does not tell of a task"));
        }
      },
    });
  }

  async #load(name: TaskName): Promise<void> {
    const bundle = lxdBundle(this.#deps, name);
    try {
      const file = await TaskFile.read(bundle);
      if (file?.saved.isMade === true) {
        this.#adopt(name, file);
        return;
      }
      if (file !== undefined) await removeInstance(this.#server, file.saved.instance, name);
      await rm(bundle, { recursive: true, force: true });
      const exit = { pid: 0, exitStatus: UNKNOWN_STATUS, exitedAtNs: this.#deps.clock() };
      await this.#tell({ ...name, exit, isExitKnown: false, reason: "its create was cut short" });
    } catch (err) {
      this.#deps.log.error({ err, ...name }, "a task cannot be found again and is left alone");
    }
  }

  #adopt(name: TaskName, file: TaskFile): LxdTask {
    const { instance } = file.saved;
    const task = new LxdTask({
      ...name,
      server: this.#server,
      file,
      clock: this.#deps.clock,
      log: this.#deps.log.child({ ...name }),
      disposed: this.#disposed.signal,
      forget: () => void this.#tasks.delete(instance),
      gone: async (exit: ProcessExit, isExitKnown: boolean) => {
        this.#tasks.delete(instance);
        await this.#tell({ ...name, exit, isExitKnown, reason: "its instance was removed" });
      },
    });
    this.#tasks.set(instance, task);
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

/** Makes the instance, or leaves none behind. LXD does not stop half-way, so who gives up is let go when it is through. */
async function makeInstance(
  server: LxdServer,
  { namespace, id }: TaskName,
  name: string,
  { image, config, devices, profiles }: LxdOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  // For people who look at LXD: whose it is.
  const labels = { "user.berth.namespace": namespace, "user.berth.id": id };
  await createInstance(server, { name, source: sourceOf(image), config: { ...config, ...labels }, devices, profiles });
  if (signal?.aborted !== true) return;
  await deleteInstance(server, name);
  signal.throwIfAborted();
}

/** What a create that was cut short may have made; somebody else's of the same name stays. */
async function removeInstance(server: LxdServer, instance: string, { namespace, id }: TaskName): Promise<void> {
  try {
    const { config } = await getInstance(server, instance);
    if (config["user.berth.namespace"] !== namespace || config["user.berth.id"] !== id) return;
    await deleteInstance(server, instance);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function sourceOf(image: LxdOptions["image"]): InstanceSource {
  if ("fingerprint" in image) return { type: "fingerprint", ...image };
  return "server" in image ? { type: "remote", ...image } : { type: "alias", ...image };
}

/** Takes the runtime `io.berth.lxd.v1`. */
export const lxdDriver: DriverDefinition = {
  name: "lxd",
  matches: (runtime) => runtime === LXD_RUNTIME,
  create: (deps) => new LxdDriver(deps),
};
