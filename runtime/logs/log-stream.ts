// The output of one task, from the opening of its log to its end.
import { wrapError } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import { systemClock } from "../../api/core/time.js";
import type { StreamRequest } from "../bridge/protocol.js";
import type { Epoll } from "../sys/epoll.js";
import { LineWriter } from "./line-writer.js";
import { OutputPump } from "./output-pump.js";
import type { LogTarget } from "./target.js";
import { type OpenTee, Tee } from "./tee.js";

const READER_TIMEOUT_MS = 30_000;
/** How often trouble is told that goes on. */
const TROUBLE_MS = 10_000;

export interface LogStreamDeps {
  readonly epoll: Epoll;
  readonly log: Logger;
  /** All that came stands in the log now, and more is not expected. */
  readonly onEnd: () => void;
}

/** Disposing lets go of it: nothing is lost, and whoever opens it again goes on. */
export class LogStream implements Disposable {
  readonly #writer: LineWriter;
  readonly #pumps: OutputPump[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(writer: LineWriter) {
    this.#writer = writer;
  }

  /** @throws deadline_exceeded, unknown: in a shim's words. Nothing stays open then. */
  static async open(
    request: StreamRequest,
    target: LogTarget,
    deps: LogStreamDeps,
    signal: AbortSignal,
  ): Promise<LogStream> {
    const { stdio } = request;
    const { logFolder, stateFolder, attempt, maxSizeBytes, maxSegments } = target;
    const onTrouble = seldom((err) => deps.log.warn({ err }, "the log of a task cannot be written"));
    const writer = new LineWriter({ folder: logFolder, attempt, maxSizeBytes, maxSegments, onLost: onTrouble });
    const stream = new LogStream(writer);
    const tees: Tee[] = [];
    try {
      const outputs = target.pipes.map(({ stream: name, path }) => ({ name, path, client: stdio[name] }));
      for (const { name, path: pipePath } of outputs) {
        const options = { stream: name, pipePath, logFolder, stateFolder, writer, epoll: deps.epoll, onTrouble };
        const onEnd = (): void => stream.#ended(deps.onEnd);
        stream.#pumps.push(await OutputPump.open({ ...options, clock: systemClock, onEnd }));
      }
      const deadlineMs = Date.now() + READER_TIMEOUT_MS;
      const opened: (Tee | undefined)[] = [];
      for (const { client } of outputs) {
        const tee = await openTee(client, request, { signal, deadlineMs });
        if (tee !== undefined) tees.push(tee);
        opened.push(tee);
      }
      for (const [index, pump] of stream.#pumps.entries()) pump.start(opened[index]);
      return stream;
    } catch (error) {
      for (const tee of tees) tee.destroy();
      stream[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether all outputs have come to their end. */
  get hasEnded(): boolean {
    return this.#pumps.every(({ hasEnded }) => hasEnded);
  }

  /** Nobody writes any more, says somebody who knows: takes what is there. */
  finish(): void {
    for (const pump of this.#pumps) pump.finish();
  }

  /** Resolves at the end of all outputs. */
  async ended(signal: AbortSignal): Promise<void> {
    if (this.hasEnded) return;
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(resolve);
        reject(signal.reason);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.add(resolve);
    });
  }

  [Symbol.dispose](): void {
    for (const pump of this.#pumps) pump.close();
    this.#writer[Symbol.dispose]();
  }

  #ended(onEnd: () => void): void {
    if (!this.hasEnded) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
    onEnd();
  }
}

/** "" is nobody. */
async function openTee(path: string, { stdio, again }: StreamRequest, open: OpenTee): Promise<Tee | undefined> {
  if (path === "") return undefined;
  if (again) return Tee.reopen(path);
  try {
    return await Tee.open(path, open);
  } catch (error) {
    const doing = stdio.terminal
      ? "failed to start console copy"
      : "failed to start io pipe copy: unable to copy pipes";
    throw wrapError(doing, error);
  }
}

/** Tells at once, and then not before some time has passed. */
function seldom(tell: (error: unknown) => void): (error: unknown) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (performance.now() - toldMs < TROUBLE_MS) return;
    toldMs = performance.now();
    tell(error);
  };
}
