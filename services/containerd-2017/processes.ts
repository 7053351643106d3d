// This API names processes by pid, drivers by exec id. Runtimes tell which exec a pid is, so nothing has to be remembered here, and
// a daemon that comes back finds execs as they are.
import { randomUUID } from "node:crypto";
import type { RequestContext } from "../../api/core/context.js";
import { requireNamespace } from "../../api/core/context.js";
import { isNotFound } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import type { ExecOptions, Tasks } from "../../api/core/task.js";
import { ProcessDetails } from "../../api/gen/types/runc/options/oci.js";
import { ofTask, refuse } from "./failures.js";

export class Processes {
  readonly #tasks: Tasks;
  readonly #log: Logger;

  constructor({ tasks, log }: { readonly tasks: Tasks; readonly log: Logger }) {
    this.#tasks = tasks;
    this.#log = log;
  }

  /**
   * The exec id of a process in a task, "" for its init.
   * @throws not_found in the words given, for a pid of nobody; failed_precondition for one that the container started by itself.
   */
  async execIdOf(ctx: RequestContext, id: string, pid: number, unknown: string): Promise<string> {
    const init = await ofTask(this.#tasks.get(ctx, id, ""));
    if (init.pid === pid) return "";
    // Nobody has processes any more once a task has stopped.
    const present = init.status === "stopped" ? [] : await ofTask(this.#tasks.pids(ctx, id));
    const found = present.find((each) => each.pid === pid);
    if (found === undefined) return refuse("not_found", unknown);
    if (found.info === undefined)
      return refuse("failed_precondition", `process ${pid} was neither created nor added by exec`);
    return ProcessDetails.decode(found.info.value).execId;
  }

  /** Adds and starts a process; it is forgotten when it has ended. */
  async start(ctx: RequestContext, id: string, options: ExecOptions): Promise<number> {
    const execId = `exec-${randomUUID()}`;
    await ofTask(this.#tasks.exec(ctx, id, execId, options));
    // The caller may go; the process does not.
    const lasting: RequestContext = { namespace: requireNamespace(ctx) };
    try {
      const { pid } = await this.#tasks.start(ctx, id, execId);
      void this.#forgetEnded(lasting, id, execId);
      return pid;
    } catch (error) {
      await this.#forget(lasting, id, execId);
      throw error;
    }
  }

  async #forgetEnded(ctx: RequestContext, id: string, execId: string): Promise<void> {
    try {
      await this.#tasks.wait(ctx, id, execId);
    } catch {
      // The daemon stops, or the task went first and took its execs along.
      return;
    }
    await this.#forget(ctx, id, execId);
  }

  async #forget(ctx: RequestContext, id: string, execId: string): Promise<void> {
    await this.#tasks.deleteProcess(ctx, id, execId).catch((error: unknown) => {
      if (!isNotFound(error)) this.#log.warn({ id, execId, err: error }, "ended exec was not removed");
    });
  }
}
