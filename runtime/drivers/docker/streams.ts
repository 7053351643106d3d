// The stdio of tasks, by way of the bridge, which is not started for those that have none.
import type { Stdio } from "../../../api/core/task.js";
import type { AttachRequest, Bridge, ExecRequest } from "../../docker/bridge/client.js";

/** Whether a client has asked for any of it. */
export const hasStdio = ({ stdin, stdout, stderr }: Stdio): boolean => stdin !== "" || stdout !== "" || stderr !== "";

export class Streams implements AsyncDisposable {
  readonly #open: () => Bridge;
  #bridge: Bridge | undefined;

  /** `open` is called once, at the first need. */
  constructor(open: () => Bridge) {
    this.#open = open;
  }

  /** Resolves when nothing that the container prints is lost any more; it may start then. @throws as the bridge does. */
  async attach(key: string, request: AttachRequest, signal?: AbortSignal): Promise<void> {
    if (hasStdio(request.stdio)) await this.#needed.attach(key, request, signal);
  }

  /** Starts an exec with its streams. @throws as the bridge does. */
  async startExec(key: string, request: ExecRequest, signal?: AbortSignal): Promise<void> {
    await this.#needed.startExec(key, request, signal);
  }

  async closeStdin(key: string, stdio: Stdio): Promise<void> {
    if (stdio.stdin !== "") await this.#needed.closeStdin(key);
  }

  /** Resolves when the output of a process that has ended has arrived. */
  async finished(key: string, stdio: Stdio): Promise<void> {
    if (hasStdio(stdio)) await this.#needed.finished(key);
  }

  async release(key: string, stdio: Stdio): Promise<void> {
    if (hasStdio(stdio)) await this.#needed.release(key);
  }

  /** Lets go; the streams go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bridge?.[Symbol.asyncDispose]();
  }

  get #needed(): Bridge {
    this.#bridge ??= this.#open();
    return this.#bridge;
  }
}

export interface InitStreams {
  readonly namespace: string;
  readonly id: string;
  readonly containerId: string;
  readonly saved: Stdio;
  /** Attached before, by a bridge that is gone perhaps. */
  readonly again: boolean;
}

/** Attaches a container under its id. @throws as the bridge does. */
export async function attachInit(streams: Streams, init: InitStreams, signal?: AbortSignal): Promise<void> {
  const { namespace, id, containerId, again } = init;
  const { stdin, stdout, stderr, terminal } = init.saved;
  const stdio = { stdin, stdout, stderr, terminal };
  await streams.attach(containerId, { namespace, id, containerId, stdio, openStdin: stdin !== "", again }, signal);
}
