// What a task leaves behind in the file system and how it goes away, whether it ended well or its shim did not.
import type { ProcessExit } from "../../../api/core/task.js";
import { type Bundle, detachBundle } from "../../bundle.js";
import type { DriverDeps } from "../../driver.js";
import { deleteAction } from "./actions.js";
import { type ShimAddress, socketPath } from "./bootstrap.js";
import { removeDeadSocket } from "./socket.js";

/** What containerd reports when nobody knows how a process ended. */
export const UNKNOWN_EXIT_STATUS = 255;

export interface Remains {
  readonly bundle: Bundle;
  /** Undefined when there cannot be a container. */
  readonly binary: string | undefined;
  /** Undefined when the shim never said where it listens. */
  readonly address: ShimAddress | undefined;
}

/** Removes remains; deleting the files goes on behind the answer, and disposing waits for it. */
export class RemainsCollector implements AsyncDisposable {
  readonly #deps: DriverDeps;
  readonly #deletions = new Set<Promise<void>>();

  constructor(deps: DriverDeps) {
    this.#deps = deps;
  }

  /**
   * For a task whose shim deleted it properly: only folders and perhaps the socket are left. Their names are free when this
   * returns; the files go behind the answer. Never rejects.
   */
  async removeFiles(remains: Omit<Remains, "binary">): Promise<void> {
    const { done } = await this.#detach(remains);
    this.#deletions.add(done);
    void done.finally(() => this.#deletions.delete(done));
  }

  /** For a task without a shim: ends the container too. Answers how it ended, status 255 when that failed. Never rejects. */
  async removeAll(remains: Remains): Promise<ProcessExit> {
    const { bundle, binary } = remains;
    let exit: ProcessExit = { pid: 0, exitStatus: UNKNOWN_EXIT_STATUS, exitedAtNs: this.#deps.clock() };
    try {
      if (binary !== undefined) exit = await deleteAction(this.#deps, binary, bundle);
    } catch (err) {
      // Also what a 1.6 shim answers when the runtime was never reached.
      this.#deps.log.warn({ err, namespace: bundle.namespace, id: bundle.id }, "shim cleanup failed");
    }
    await (await this.#detach(remains)).done;
    return exit;
  }

  /** Resolves when the names are free, with the deletion that is then under way; none of the two rejects. */
  async #detach({ bundle, address }: Omit<Remains, "binary">): Promise<{ readonly done: Promise<void> }> {
    const log = this.#deps.log.child({ namespace: bundle.namespace, id: bundle.id });
    try {
      if (address !== undefined) await removeDeadSocket(socketPath(address));
      const deleteFiles = await detachBundle(bundle);
      return { done: deleteFiles().catch((err: unknown) => log.error({ err }, "deleting a bundle failed")) };
    } catch (err) {
      log.error({ err }, "removing a bundle failed");
      return { done: Promise.resolve() };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#deletions);
  }
}
