// The daemon's side of logs: puts pipes of its own between tasks and what clients asked for, has the log process read them, and reads
// what that has written.
import { existsSync, mkdirSync } from "node:fs";
import type { Container, ContainerReader } from "../../api/core/container.js";
import { type RequestContext, requireNamespace } from "../../api/core/context.js";
import { failedPrecondition, isNotFound } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import type { Stdio } from "../../api/core/task.js";
import type { LastLines, LogBatch, ReadLogOptions, TaskLogs } from "../../api/core/task-log.js";
import type { Clock } from "../../api/core/time.js";
import { BridgeLink } from "../bridge/bridge-link.js";
import { plainStdio } from "../bridge/plain-stdio.js";
import { parseStdioAddress } from "../stdio/stdio-address.js";
import { KeptStream } from "./kept-stream.js";
import { claimFolder, forgetAttempt, listFolders, nextAttempt, ownerOf, removeFolder } from "./log-folder.js";
import { type LogSettings, limitsOf } from "./log-settings.js";
import { containerFolder, logSocket, logsFolder } from "./places.js";
import { readLastLines, readLog } from "./read-log.js";

const NAME = "log process";
const FOLDER_MODE = 0o711;
/** What a task said last may be a moment behind its exit. */
const LAST_WORDS_MS = 250;

export interface LogKeeperDeps {
  readonly rootDir: string;
  readonly stateDir: string;
  /** Absolute path of `bin/berth-log-writer`. */
  readonly program: string;
  readonly settings: LogSettings;
  readonly containers: ContainerReader;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What the task manager wants of whoever keeps output. */
export interface OutputKeeper {
  /**
   * To be called before a task is made. @returns the stdio that the task is to have; undefined when its output is not kept.
   * @throws what a shim throws for stdio that cannot be opened; invalid_argument for a label; unavailable without a log process.
   */
  begin(container: Container, namespace: string, stdio: Stdio, signal?: AbortSignal): Promise<Stdio | undefined>;
  /** The task was not made. */
  abandon(namespace: string, id: string): Promise<void>;
  /** A task of a former daemon was found. @returns the stdio that its client asked for; undefined when its output is not kept. */
  resume(namespace: string, id: string): Promise<Stdio | undefined>;
  /** What the client asked for, of a task whose output is kept. */
  askedFor(namespace: string, id: string): Stdio | undefined;
  /** The task is gone: resolves when all that it wrote stands in its log. */
  end(namespace: string, id: string): Promise<void>;
  /** All tasks of a former daemon have been found: what it left of others is brought to its end. */
  settle(): Promise<void>;
}

/** Disposing lets go of it all; the log process goes on. */
export class LogKeeper implements OutputKeeper, TaskLogs, LastLines, AsyncDisposable {
  readonly #deps: LogKeeperDeps;
  readonly #link: BridgeLink;
  readonly #streams = new Map<string, KeptStream>();

  constructor(deps: LogKeeperDeps) {
    const { stateDir, program, log } = deps;
    this.#deps = deps;
    this.#link = new BridgeLink({ name: NAME, socketPath: logSocket(stateDir), program, log });
  }

  async begin(container: Container, namespace: string, stdio: Stdio, signal?: AbortSignal): Promise<Stdio | undefined> {
    const { id, labels, createdAtNs } = container;
    const limits = limitsOf(labels, this.#deps.settings);
    if (limits === undefined || !isInterposable(stdio)) return undefined;
    const { rootDir, stateDir } = this.#deps;
    mkdirSync(logsFolder(stateDir), { recursive: true, mode: FOLDER_MODE });
    const logFolder = claimFolder(rootDir, namespace, id, createdAtNs);
    const attempt = nextAttempt(logFolder);
    const stateFolder = containerFolder(stateDir, namespace, id);
    const stream = KeptStream.make(plainStdio(stdio), { logFolder, stateFolder, attempt, ...limits });
    this.#streams.set(keyOf(namespace, id), stream);
    try {
      await this.#open(namespace, id, stream, false, signal);
    } catch (error) {
      await this.abandon(namespace, id);
      throw error;
    }
    return stream.taskStdio;
  }

  async abandon(namespace: string, id: string): Promise<void> {
    const stream = this.#streams.get(keyOf(namespace, id));
    if (stream === undefined) return;
    await this.end(namespace, id);
    forgetAttempt(stream.target.logFolder, stream.target.attempt);
  }

  async resume(namespace: string, id: string): Promise<Stdio | undefined> {
    const stream = this.#found(namespace, id);
    if (stream === undefined) return undefined;
    try {
      await this.#open(namespace, id, stream, true);
    } catch (err) {
      this.#deps.log.error({ err, namespace, id }, "the log of a task does not go on");
    }
    return stream.stdio;
  }

  askedFor(namespace: string, id: string): Stdio | undefined {
    return this.#streams.get(keyOf(namespace, id))?.stdio;
  }

  async end(namespace: string, id: string): Promise<void> {
    const key = keyOf(namespace, id);
    const stream = this.#streams.get(key);
    if (stream === undefined) return;
    const streamKey = keyOfStream(namespace, id, stream);
    try {
      await this.#link.askIfRunning({ verb: "finished", key: streamKey });
      this.#link.forget(streamKey);
      await this.#link.askIfRunning({ verb: "release", key: streamKey });
    } catch (err) {
      this.#deps.log.error({ err, namespace, id }, "the log of a task was not brought to its end");
    }
    this.#streams.delete(key);
    stream.remove();
    await this.deleted(namespace, id);
  }

  async settle(): Promise<void> {
    for (const { namespace, id, folder } of listFolders(this.#deps.stateDir)) {
      if (this.#streams.has(keyOf(namespace, id))) continue;
      if (this.#found(namespace, id) === undefined) removeFolder(folder);
      else await this.resume(namespace, id).then(() => this.end(namespace, id));
    }
    for (const { namespace, id } of listFolders(this.#deps.rootDir)) await this.deleted(namespace, id);
  }

  /**
   * A container may have been deleted: then its log goes, unless a task of it still writes there.
   * @returns whether there was one, and it has gone.
   */
  async deleted(namespace: string, id: string): Promise<boolean> {
    const folder = containerFolder(this.#deps.rootDir, namespace, id);
    if (!existsSync(folder) || this.#streams.has(keyOf(namespace, id))) return false;
    const owner = ownerOf(folder);
    if (await this.#isContainer(namespace, id, owner)) return false;
    // One that was made meanwhile may have claimed the folder.
    if (ownerOf(folder) !== owner || this.#streams.has(keyOf(namespace, id))) return false;
    removeFolder(folder);
    return true;
  }

  /** Folders of containers that are not there. */
  async strays(): Promise<ReturnType<typeof listFolders>> {
    const folders = listFolders(this.#deps.rootDir);
    const areStray = await Promise.all(
      folders.map(
        async ({ namespace, id, folder }) =>
          !this.#streams.has(keyOf(namespace, id)) && !(await this.#isContainer(namespace, id, ownerOf(folder))),
      ),
    );
    return folders.filter((_folder, index) => areStray[index] === true);
  }

  async *read(ctx: RequestContext, id: string, options: ReadLogOptions = {}): AsyncGenerator<LogBatch> {
    const namespace = requireNamespace(ctx);
    const container = await this.#deps.containers.get(ctx, id);
    const { rootDir, settings, clock } = this.#deps;
    const folder = containerFolder(rootDir, namespace, id);
    const owner = String(container.createdAtNs);
    if (ownerOf(folder) !== owner && limitsOf(container.labels, settings) === undefined) {
      throw failedPrecondition(`container "${id}" keeps no log`);
    }
    const isOver = async (): Promise<boolean> => !(await this.#isContainer(namespace, id, owner));
    yield* readLog({ ...options, folder, clock, signal: ctx.signal, isOver });
  }

  async lastLines(namespace: string, id: string, attempt: number | undefined, count: number): Promise<Uint8Array[]> {
    const stream = this.#streams.get(keyOf(namespace, id));
    if (stream !== undefined && (attempt === undefined || attempt === stream.target.attempt)) {
      const key = keyOfStream(namespace, id, stream);
      // It goes on writing, or nobody keeps it any more: what is there is what there is.
      await this.#link.askIfRunning({ verb: "exit", key }, AbortSignal.timeout(LAST_WORDS_MS)).catch(() => undefined);
    }
    const lines = await readLastLines(containerFolder(this.#deps.rootDir, namespace, id), attempt, count);
    return lines.map(({ text }) => text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
    for (const stream of this.#streams.values()) stream[Symbol.dispose]();
    this.#streams.clear();
  }

  #found(namespace: string, id: string): KeptStream | undefined {
    const key = keyOf(namespace, id);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const stream = KeptStream.open(containerFolder(this.#deps.stateDir, namespace, id));
    if (stream !== undefined) this.#streams.set(key, stream);
    return stream;
  }

  async #open(namespace: string, id: string, kept: KeptStream, again: boolean, signal?: AbortSignal): Promise<void> {
    const { stdio, target } = kept;
    const key = keyOfStream(namespace, id, kept);
    const asked = { verb: "open", key, namespace, container: id, stdio, again, target } as const;
    await this.#link.open(asked, { isReopenable: true }, signal);
  }

  async #isContainer(namespace: string, id: string, owner: string | undefined): Promise<boolean> {
    try {
      return String((await this.#deps.containers.get({ namespace }, id)).createdAtNs) === owner;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

/** Files and programs are logs of the client's own; nobody stands between them and the task. */
function isInterposable({ stdout, stderr }: Stdio): boolean {
  return [stdout, stderr].every((address) => {
    try {
      return address === "" || parseStdioAddress(address).kind === "path";
    } catch {
      return false;
    }
  });
}

const keyOf = (namespace: string, id: string): string => `${namespace}/${id}`;
const keyOfStream = (namespace: string, id: string, { target }: KeptStream): string =>
  `${namespace}/${id}/${target.attempt}`;
