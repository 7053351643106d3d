// What the daemon has on disk of a log that is being written: its pipes, and a file that says where they lead, for the next daemon.
import { closeSync, constants, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Stdio } from "../../api/core/task.js";
import { hasCode } from "../sys/errno.js";
import { makeFifo } from "../sys/fifo.js";
import { type LogTarget, logTargetSchema } from "./target.js";

const FILE = "stream.json";
const PIPE_MODE = 0o600;
const FOLDER_MODE = 0o711;
const { O_NONBLOCK, O_RDONLY } = constants;

const fileSchema = z.strictObject({
  /** Of the request that made the task. */
  stdio: z.strictObject({ stdin: z.string(), stdout: z.string(), stderr: z.string(), terminal: z.boolean() }),
  target: logTargetSchema,
});

/** Disposing lets go of the pipes; the files stay. */
export class KeptStream implements Disposable {
  /** As the client asked for it, and hears of it. */
  readonly stdio: Stdio;
  readonly target: LogTarget;
  /** While the log process is away, they keep what is in the pipes. Readers only: they hide no end. */
  readonly #held: number[];

  private constructor(stdio: Stdio, target: LogTarget) {
    this.stdio = stdio;
    this.target = target;
    this.#held = target.pipes.map(({ path }) => openSync(path, O_RDONLY | O_NONBLOCK));
  }

  /** Makes pipes and file, in the place of what is there. */
  static make(stdio: Stdio, options: Omit<LogTarget, "pipes">): KeptStream {
    const { stateFolder } = options;
    rmSync(stateFolder, { recursive: true, force: true });
    mkdirSync(stateFolder, { recursive: true, mode: FOLDER_MODE });
    const names = stdio.terminal ? (["stdout"] as const) : (["stdout", "stderr"] as const);
    const pipes = names.map((stream) => ({ stream, path: join(stateFolder, stream) }));
    for (const { path } of pipes) makeFifo(path, PIPE_MODE);
    const target = { ...options, pipes };
    const path = join(stateFolder, FILE);
    writeFileSync(`${path}.coming`, JSON.stringify({ stdio, target }), { mode: 0o600 });
    renameSync(`${path}.coming`, path);
    return new KeptStream(stdio, target);
  }

  /** What a former daemon made; undefined when there is none, or it was cut off. */
  static open(stateFolder: string): KeptStream | undefined {
    try {
      const { stdio, target } = fileSchema.parse(JSON.parse(readFileSync(join(stateFolder, FILE), "utf8")));
      return new KeptStream(stdio, target);
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof z.ZodError || hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  /** For the task: its output goes through the pipes. */
  get taskStdio(): Stdio {
    const paths = this.target.pipes.map(({ stream, path }) => [stream, path] as const);
    return { ...this.stdio, ...Object.fromEntries(paths) };
  }

  /** Files and all. */
  remove(): void {
    this[Symbol.dispose]();
    rmSync(this.target.stateFolder, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    for (const fd of this.#held.splice(0)) closeSync(fd);
  }
}
