// A task manager with the socket that shims report to: what a daemon is made of, without its gRPC side and its database.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Container } from "../../api/core/container.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { EventEnvelope } from "../../api/core/event.js";
import { silentLogger } from "../../api/core/log.js";
import type { Stdio } from "../../api/core/task.js";
import { systemClock } from "../../api/core/time.js";
import type { Any } from "../../api/core/typeurl.js";
import { TaskDelete, TaskExit } from "../../api/gen/events/task.js";
import type { DriverDefinition } from "../../runtime/driver.js";
import { runtimeDrivers } from "../../runtime/drivers/index.js";
import { TaskManager } from "../../runtime/task-manager.js";
import { serveTtrpc } from "../../runtime/ttrpc/server.js";
import { defineShimEventsService } from "../../services/ttrpc/events.js";
import type { Engine } from "./engine.js";
import { findLeftovers, taskShimPid } from "./leftovers.js";
import { MemoryContainers, MemoryLedger } from "./memory-stores.js";
import { ociSpec, type SpecOptions } from "./oci-spec.js";
import { makeRootfs } from "./rootfs.js";
import { freshNamespace, tempDir } from "./temp.js";
import { until } from "./until.js";

export const NO_STDIO: Stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
/** As a daemon keeps them by default. */
export const WARM_SHIMS = 2;
export const RUNC = "io.containerd.runc.v2";
/** Arguments of a process that ends when it is told to. */
export const FOREVER: readonly string[] = ["sleep", "1000"];
const SIGKILL = 9;

/** An event as tests look at it; the numbers are those of exit and delete events. */
export interface SeenEvent {
  readonly topic: string;
  readonly id: string;
  readonly pid: number;
  readonly exitStatus: number;
}

function seenEvent({ topic, event }: EventEnvelope): SeenEvent {
  const bytes = event?.value ?? Buffer.alloc(0);
  if (topic === "/tasks/exit") return { topic, ...TaskExit.decode(bytes) };
  if (topic !== "/tasks/delete") return { topic, id: "", pid: 0, exitStatus: 0 };
  const { containerId, pid, exitStatus } = TaskDelete.decode(bytes);
  return { topic, id: containerId, pid, exitStatus };
}

/** As findLeftovers without `fifos`, which are in a test's own folder here; given the moment that files may take to go after their task. */
export async function settledLeftovers(engine: Engine, namespace: string, ids: readonly string[]): Promise<string[]> {
  let found: string[] = [];
  const isClean = async (): Promise<boolean> => {
    found = await findLeftovers(engine, namespace, ids, { fifos: false });
    return found.length === 0;
  };
  await until("nothing to be left", isClean).catch(() => undefined);
  return found;
}

export class TaskHost implements AsyncDisposable {
  readonly dir: string;
  readonly namespace: string;
  readonly rootfs: string;
  readonly ledger = new MemoryLedger();
  readonly containers = new MemoryContainers();
  readonly #drivers: readonly DriverDefinition[];
  readonly #scope: DisposeScope;
  #daemon: { readonly scope: DisposeScope; readonly manager: TaskManager } | undefined;

  private constructor(
    scope: DisposeScope,
    parts: Pick<TaskHost, "dir" | "namespace" | "rootfs">,
    drivers: readonly DriverDefinition[],
  ) {
    this.#scope = scope;
    this.dir = parts.dir;
    this.namespace = parts.namespace;
    this.rootfs = parts.rootfs;
    this.#drivers = drivers;
  }

  static async start(drivers: readonly DriverDefinition[] = runtimeDrivers): Promise<TaskHost> {
    const scope = new DisposeScope();
    try {
      const dir = await tempDir(scope);
      const namespace = freshNamespace(scope);
      const rootfs = await makeRootfs(join(dir, "rootfs"));
      await mkdir(join(dir, "root"));
      const host = new TaskHost(scope, { dir, namespace, rootfs }, drivers);
      await host.startDaemon();
      return host;
    } catch (error) {
      await scope[Symbol.asyncDispose]();
      throw error;
    }
  }

  get ctx(): RequestContext {
    return { namespace: this.namespace };
  }

  get address(): string {
    return join(this.dir, "berth.sock");
  }

  get stateDir(): string {
    return join(this.dir, "state");
  }

  /** What is left on the host of this namespace's tasks with these ids; empty is clean. */
  async leftovers(...ids: string[]): Promise<string[]> {
    const engine = { name: "berthd", address: this.address, stateDir: this.stateDir, pid: 0, log: () => "" } as const;
    return await settledLeftovers(engine, this.namespace, ids);
  }

  get tasks(): TaskManager {
    if (this.#daemon === undefined) throw new Error("no daemon");
    return this.#daemon.manager;
  }

  /** The events of this namespace so far, in the ledger's order. */
  events(topicPrefix = "/tasks/"): SeenEvent[] {
    return this.ledger.events
      .filter(({ namespace, topic }) => namespace === this.namespace && topic.startsWith(topicPrefix))
      .map(seenEvent);
  }

  /** Waits until this many events with the topic have been seen. */
  async untilEvents(topic: string, count = 1): Promise<SeenEvent[]> {
    return await until(`${count} events ${topic}`, () => {
      const found = this.events().filter((event) => event.topic === topic);
      return found.length >= count && found;
    });
  }

  /** Of its events so far, in their order. */
  topics(): string[] {
    return this.events().map(({ topic }) => topic);
  }

  /** A task with its container, started. Answers its pid. */
  async running(id: string, args: readonly string[] = FOREVER): Promise<number> {
    const { pid } = await this.task(id, args);
    await this.tasks.start(this.ctx, id, "");
    return pid;
  }

  /** Kills all of a task and waits for its end. */
  async ended(id: string): Promise<void> {
    await this.tasks.kill(this.ctx, id, "", { signal: SIGKILL, all: true });
    await this.tasks.wait(this.ctx, id, "");
  }

  async startDaemon(): Promise<void> {
    const scope = new DisposeScope();
    const manager = scope.use(
      new TaskManager({
        drivers: this.#drivers,
        containers: this.containers,
        ledger: this.ledger,
        log: silentLogger,
        clock: systemClock,
        rootDir: join(this.dir, "root"),
        stateDir: this.stateDir,
        address: this.address,
        ttrpcAddress: `${this.address}.ttrpc`,
        publishBinary: "/usr/bin/true",
        debug: false,
        warmShims: WARM_SHIMS,
      }),
    );
    await manager.load();
    const service = defineShimEventsService({ forward: (envelope) => manager.forward(envelope) });
    scope.use(await serveTtrpc({ path: `${this.address}.ttrpc`, services: [service] }));
    this.#daemon = { scope, manager };
  }

  /** Lets go of all tasks, as a daemon that ends. */
  async stopDaemon(): Promise<void> {
    await this.#daemon?.scope[Symbol.asyncDispose]();
    this.#daemon = undefined;
  }

  /** A container record that runs `args`, or has `spec`. One that is there is replaced. */
  container(
    id: string,
    args: readonly string[],
    options: Partial<SpecOptions> = {},
    runtime: Container["runtime"] = { name: RUNC },
    spec: Any = ociSpec({ args, rootfs: this.rootfs, cgroupsPath: `/${this.namespace}/${id}`, ...options }),
  ): void {
    this.containers.add(this.namespace, id, runtime, spec);
  }

  /** Record and task without stdio. */
  async task(
    id: string,
    args: readonly string[],
    options: Partial<SpecOptions> = {},
  ): Promise<{ readonly pid: number }> {
    this.container(id, args, options);
    return await this.tasks.create(this.ctx, id, { ...NO_STDIO, rootfs: [] });
  }

  async shimPid(id: string): Promise<number> {
    return await taskShimPid(this.stateDir, this.namespace, id);
  }

  bundle(id: string): string {
    return join(this.stateDir, "io.containerd.runtime.v2.task", this.namespace, id);
  }

  /** Kills and deletes whatever still runs, then removes all. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon !== undefined) {
      for (const { containerId } of await this.tasks.list(this.ctx)) {
        const exited = this.tasks.wait(this.ctx, containerId, "").catch(() => undefined);
        await this.tasks.kill(this.ctx, containerId, "", { signal: 9, all: true }).catch(() => undefined);
        await exited;
        await this.tasks.delete(this.ctx, containerId).catch(() => undefined);
      }
    }
    await this.stopDaemon();
    await this.#scope[Symbol.asyncDispose]();
  }
}
