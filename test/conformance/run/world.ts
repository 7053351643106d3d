// Where the cases of `client.run` happen: a client of some daemon, a way to run shell commands there, and a look at what is left.
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { defaultSnapshotter } from "../../../api/client/default-snapshotter.js";
import type { Client, RunOptions, Task } from "../../../api/client/index.js";
import type { DisposeScope } from "../../../api/core/dispose.js";

/** One kind of task on one daemon. */
export interface RunSubject {
  readonly client: Client;
  /** What runs a shell command. */
  shell(script: string): RunOptions;
  /** Tasks are in namespaces and control groups of their own. */
  readonly isContainer: boolean;
  /** What its runtime does otherwise, with the reason. */
  readonly differences?: RunDifferences;
}

/** Reasons; the cases then look for what happens instead. */
export interface RunDifferences {
  /** A terminal gets its size a moment after the program's start. */
  readonly lateTerminalSize?: string;
  /** That a user is unknown is found out by the runtime, whose words are all that is told. */
  readonly unknownUser?: string;
}

/** Starts the daemon; it ends with the scope. */
export type OpenSubject = (scope: DisposeScope) => Promise<RunSubject>;

/** What goes with any of the options. */
export type MoreOptions = Partial<Omit<RunOptions, "image" | "rootfs" | "process" | "editSpec">>;

const FIFO_DIR =
  process.getuid?.() === 0 ? "/run/containerd/fifo" : join(process.env["XDG_RUNTIME_DIR"] ?? "", "berth", "fifo");

export class RunWorld {
  readonly client: Client;
  readonly isContainer: boolean;
  readonly differences: RunDifferences;
  readonly #shell: RunSubject["shell"];
  readonly #ids: string[] = [];

  constructor({ client, shell, isContainer, differences = {} }: RunSubject) {
    this.client = client;
    this.isContainer = isContainer;
    this.differences = differences;
    this.#shell = shell;
  }

  /** One that no other test has, so that its pipes are told from others'. */
  freshId(): string {
    const id = `bt-${randomBytes(6).toString("hex")}`;
    this.#ids.push(id);
    return id;
  }

  options(script: string, more: MoreOptions = {}): RunOptions {
    return Object.assign(this.#shell(script), { id: this.freshId() }, more);
  }

  run(script: string, more: MoreOptions = {}): Promise<Task> {
    return this.client.run(this.options(script, more));
  }

  /** Runs until it is ended, and says once that it does. */
  async forever(more: MoreOptions = {}): Promise<Task> {
    const task = await this.run("trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done", more);
    for await (const chunk of task.stdout.iterator({ destroyOnReturn: false })) {
      if (String(chunk).includes("ready")) break;
    }
    return task;
  }

  /** Records, tasks, snapshots that are no layers, leases, and the pipes of our ids; empty is clean. */
  async left(): Promise<string[]> {
    const { client } = this;
    const [containers, tasks, leases] = await Promise.all([
      client.containers.list({}),
      client.tasks.list({}),
      client.leases.list({}),
    ]);
    const snapshots: string[] = [];
    for await (const page of client.snapshots.get(defaultSnapshotter()).list({}, ["kind==active"])) {
      snapshots.push(...page.map(({ name }) => `snapshot ${name}`));
    }
    return [
      ...containers.map(({ id }) => `container ${id}`),
      ...tasks.map(({ containerId }) => `task ${containerId}`),
      ...leases.map(({ id }) => `lease ${id}`),
      ...snapshots,
      ...(await this.#pipes()),
    ];
  }

  async #pipes(): Promise<string[]> {
    const found: string[] = [];
    for (const folder of await readdir(FIFO_DIR).catch(() => [])) {
      const names = await readdir(`${FIFO_DIR}/${folder}`).catch(() => []);
      found.push(...names.filter((name) => this.#ids.some((id) => name.startsWith(id))));
    }
    return found;
  }
}
