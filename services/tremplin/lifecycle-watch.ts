// Tells the listener of containers that stopped, for whatever reason, and keeps records and tasks in step with what anybody does to
// LXD's instances.
import { type InstanceEvent, LxdWatch } from "../../runtime/drivers/lxd/watch.js";
import { listInstances } from "../../runtime/lxd/instances.js";
import { reconcileRecord, reconcileRecords } from "./container-record.js";
import { isActive } from "./instances.js";
import { isInternalName } from "./names.js";
import type { Tremplin } from "./tremplin.js";

/** The end of its init, by itself or asked for; and by force. */
const ENDS: ReadonlySet<string> = new Set(["instance-shutdown", "instance-stopped"]);
const STARTS: ReadonlySet<string> = new Set(["instance-started", "instance-restarted"]);
const CHANGES: ReadonlySet<string> = new Set(["instance-created", "instance-renamed", "instance-deleted"]);

/** Resolves when it watches. */
export async function watchLifecycle(tremplin: Tremplin): Promise<AsyncDisposable> {
  const lifecycle = new Lifecycle(tremplin);
  const watch = new LxdWatch({
    server: tremplin.lxd,
    log: tremplin.log,
    onEvent: (event) => lifecycle.heard(event),
    onLook: () => lifecycle.look(),
  });
  await watch.looked;
  return watch;
}

class Lifecycle {
  readonly #tremplin: Tremplin;
  /** What runs, as far as is known, with the time of its start where LXD was asked for it. */
  readonly #runs = new Map<string, string | undefined>();
  /** Whose end was seen before its event could be heard, which may still come, as the next one of its name. */
  readonly #told = new Set<string>();

  constructor(tremplin: Tremplin) {
    this.#tremplin = tremplin;
  }

  heard({ instance: name, action, oldName }: InstanceEvent): void {
    if (CHANGES.has(action)) {
      this.#inStep(name);
      if (oldName !== undefined) this.#inStep(oldName);
    }
    const isTold = this.#told.delete(name);
    if (STARTS.has(action)) {
      this.#runs.set(name, undefined);
      this.#inStep(name);
    }
    if (ENDS.has(action)) {
      this.#runs.delete(name);
      if (!isTold) this.#ended(name);
    }
  }

  /** Finds out what was not heard of: LXD tells nothing twice. */
  async look(): Promise<void> {
    const instances = await listInstances(this.#tremplin.lxd);
    const startedAt = new Map(instances.filter(isActive).map(({ name, last_used_at }) => [name, last_used_at]));
    for (const [name, known] of this.#runs) {
      const now = startedAt.get(name);
      if (now !== undefined && (known === undefined || known === now)) continue;
      this.#told.add(name);
      this.#ended(name);
    }
    this.#runs.clear();
    for (const [name, at] of startedAt) this.#runs.set(name, at);
    this.#tremplin.work.run("records of containers", () => reconcileRecords(this.#tremplin));
  }

  #ended(name: string): void {
    if (isInternalName(name)) return;
    void this.#tremplin.listener.tell("containerShutdown", { containerName: name });
    this.#inStep(name);
  }

  #inStep(name: string): void {
    if (isInternalName(name)) return;
    const { names, work } = this.#tremplin;
    work.run(`record of container ${name}`, (signal) =>
      names.run(name, () => reconcileRecord(this.#tremplin, name), signal),
    );
  }
}
