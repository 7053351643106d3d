// The stdio of tasks and their execs, by way of the bridge, which is not started before there is need of it: a console that nobody
// attaches to needs none, an exec always does.
import type { Stdio } from "../../../api/core/task.js";
import type { LxdBridge, LxdExecExit, LxdExecRequest } from "../../lxd/bridge/client.js";
import type { SavedTask } from "./task-file.js";

/** Whether a client has asked for any of it. */
const hasStdio = ({ stdin, stdout, stderr }: Stdio): boolean => stdin !== "" || stdout !== "" || stderr !== "";

/** Of a task. */
export interface TaskName {
  readonly namespace: string;
  readonly id: string;
}

const consoleKey = ({ namespace, id }: TaskName): string => `${namespace}/${id}`;
const execKey = ({ namespace, id }: TaskName, execId: string): string => `${namespace}/${id}/${execId}`;

export class Streams implements AsyncDisposable {
  readonly #open: () => LxdBridge;
  #bridge: LxdBridge | undefined;

  /** `open` is called once, at the first need. */
  constructor(open: () => LxdBridge) {
    this.#open = open;
  }

  /** From the boot on. @param again attached before, by a bridge that is gone perhaps. @throws as the bridge does. */
  async attachConsole(task: TaskName, saved: SavedTask, again: boolean, signal?: AbortSignal): Promise<void> {
    if (!hasStdio(saved)) return;
    const { namespace, id } = task;
    const { stdin, stdout, stderr, terminal, instance } = saved;
    const request = { namespace, id, instance, stdio: { stdin, stdout, stderr, terminal }, again };
    await this.#needed.console(consoleKey(task), request, signal);
  }

  async resizeConsole(task: TaskName, saved: SavedTask, columns: number, rows: number): Promise<void> {
    if (hasStdio(saved)) await this.#needed.resize(consoleKey(task), columns, rows);
  }

  async closeConsoleInput(task: TaskName, saved: SavedTask): Promise<void> {
    if (saved.stdin !== "") await this.#needed.closeStdin(consoleKey(task));
  }

  /** Resolves when the output of an init that has ended has arrived. */
  async consoleFinished(task: TaskName, saved: SavedTask): Promise<void> {
    if (hasStdio(saved)) await this.#needed.finished(consoleKey(task));
  }

  async releaseConsole(task: TaskName, saved: Stdio): Promise<void> {
    if (hasStdio(saved)) await this.#needed.release(consoleKey(task));
  }

  /** Resolves when LXD is starting it. @throws as the bridge does. */
  async startExec(task: TaskName, execId: string, request: Omit<LxdExecRequest, keyof TaskName>): Promise<void> {
    const { namespace, id } = task;
    await this.#needed.exec(execKey(task, execId), { namespace, id, ...request });
  }

  /** @throws not_found when nobody knows. */
  async execExit(task: TaskName, execId: string, signal?: AbortSignal): Promise<LxdExecExit> {
    return await this.#needed.exit(execKey(task, execId), signal);
  }

  /** @throws not_found when it has ended. */
  async killExec(task: TaskName, execId: string, signalNumber: number): Promise<void> {
    await this.#needed.kill(execKey(task, execId), signalNumber);
  }

  async resizeExec(task: TaskName, execId: string, columns: number, rows: number): Promise<void> {
    await this.#needed.resize(execKey(task, execId), columns, rows);
  }

  async closeExecInput(task: TaskName, execId: string): Promise<void> {
    await this.#needed.closeStdin(execKey(task, execId));
  }

  async execFinished(task: TaskName, execId: string): Promise<void> {
    await this.#needed.finished(execKey(task, execId));
  }

  async releaseExec(task: TaskName, execId: string): Promise<void> {
    await this.#needed.release(execKey(task, execId));
  }

  /** Lets go; the streams go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bridge?.[Symbol.asyncDispose]();
  }

  get #needed(): LxdBridge {
    this.#bridge ??= this.#open();
    return this.#bridge;
  }
}
