// What a task leaves behind in the file system and how it goes away, whether it ended well or its shim did not.
import { Limit } from "../../../api/core/limit.js";
import type { Logger } from "../../../api/core/log.js";
import type { ProcessExit } from "../../../api/core/task.js";
import { type Bundle, detachBundle } from "../../bundle.js";
import type { DriverDeps } from "../../driver.js";
import { deleteAction } from "./actions.js";
import { type ShimAddress, socketPath } from "./bootstrap.js";
import { removeDeadSocket, shimSocketPath } from "./socket.js";

/** What containerd reports when nobody knows how a process ended. */
export const UNKNOWN_EXIT_STATUS = 255;

export interface Remains {
  readonly bundle: Bundle;
  /** Undefined when there cannot be a container. */
  readonly binary: string | undefined;
  /** Undefined when the shim never said where it listens; `kept` when the socket is not the task's. */
  readonly address: ShimAddress | "kept" | undefined;
}

/** `delete` actions at once: a shim that served many leaves as many to clean up, and each has its time. */
const PARALLEL_ACTIONS = 4;

/** Removes remains; deleting the files goes on behind the answer, and disposing waits for it. */
export class RemainsCollector implements AsyncDisposable {
  readonly #deps: DriverDeps;
  readonly #deletions = new Set<Promise<void>>();
  readonly #actions = new Limit(PARALLEL_ACTIONS);

  constructor(deps: DriverDeps) {
    this.#deps = deps;
  }

  /**
   * For a task whose shim deleted it properly: only folders and perhaps the socket are left. Their names are free when this
   * returns; the files go behind the answer. Never rejects.
   * @param shimEnded for a shim that is still ending, under a socket that no other gets: that is looked after behind the answer too.
   */
  async removeFiles({ bundle, address }: Omit<Remains, "binary">, shimEnded?: Promise<void>): Promise<void> {
    // A next shim may get the same socket, which must not be removed by mistake.
    if (shimEnded === undefined) await this.#removeSocket(bundle, address);
    const deleteFiles = await this.#detach(bundle);
    const done = shimEnded?.then(() => this.#removeSocket(bundle, address)).then(deleteFiles) ?? deleteFiles();
    this.#deletions.add(done);
    void done.finally(() => this.#deletions.delete(done));
  }

  /** For a task without a shim: ends the container too. Answers how it ended, status 255 when that failed. Never rejects. */
  async removeAll(remains: Remains): Promise<ProcessExit> {
    const { bundle, binary } = remains;
    let exit: ProcessExit = { pid: 0, exitStatus: UNKNOWN_EXIT_STATUS, exitedAtNs: this.#deps.clock() };
    try {
      if (binary !== undefined) exit = await this.#actions.run(() => deleteAction(this.#deps, binary, bundle));
    } catch (err) {
      // Also what a 1.6 shim answers when the runtime was never reached.
      this.#deps.log.warn({ err, namespace: bundle.namespace, id: bundle.id }, "shim cleanup failed");
    }
    await this.#removeSocket(bundle, remains.address);
    const deleteFiles = await this.#detach(bundle);
    await deleteFiles();
    return exit;
  }

  async #removeSocket(bundle: Bundle, address: Remains["address"]): Promise<void> {
    if (address === "kept") return;
    try {
      // A start that was killed may have made one and not come to saying so: where, its name tells.
      const { namespace, id } = bundle;
      const path = address === undefined ? shimSocketPath(this.#deps.address, namespace, id) : socketPath(address);
      await removeDeadSocket(path);
    } catch (err) {
      this.#logOf(bundle).error({ err }, "removing a socket failed");
    }
  }

  /** Resolves when the names are free, with what deletes the files; none of the two rejects. */
  async #detach(bundle: Bundle): Promise<() => Promise<void>> {
    try {
      const deleteFiles = await detachBundle(bundle);
      return () =>
        deleteFiles().catch((err: unknown) => this.#logOf(bundle).error({ err }, "deleting a bundle failed"));
    } catch (err) {
      this.#logOf(bundle).error({ err }, "removing a bundle failed");
      return async () => {};
    }
  }

  #logOf({ namespace, id }: Bundle): Logger {
    return this.#deps.log.child({ namespace, id });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#deletions);
  }
}
