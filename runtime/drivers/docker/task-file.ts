// What a task's bundle remembers, so that another daemon finds the task again: its container, its streams, the pids, how what has
// ended ended. Written as a whole, and only when something changed.
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { hasCode } from "../../sys/errno.js";
import { execCreateSchema } from "./exec-spec.js";

const FILE = "task.json";

const stdioSchema = z.object({ stdin: z.string(), stdout: z.string(), stderr: z.string(), terminal: z.boolean() });

const endSchema = z.object({
  exitStatus: z.number().int(),
  /** Nanoseconds since 1970. */
  exitedAtNs: z.string().regex(/^\d+$/).transform(BigInt),
});

const execSchema = z.object({
  ...stdioSchema.shape,
  /** What the engine is to be asked for. */
  create: execCreateSchema,
  /** The engine's own id, once it was told of it. */
  dockerExecId: z.string().optional(),
  pid: z.number().int().default(0),
  end: endSchema.optional(),
});

const taskSchema = z.object({
  ...stdioSchema.shape,
  containerId: z.string().min(1),
  pid: z.number().int().default(0),
  end: endSchema.optional(),
  /** Whether Docker may leave out what it cannot express. */
  isLenient: z.boolean().default(false),
  /** Whether the ledger was told that memory ran out. */
  isOomTold: z.boolean().default(false),
  execs: z.record(z.string(), execSchema).default({}),
});

/** How a process ended; its pid is beside it. */
export type SavedEnd = z.infer<typeof endSchema>;
/** An exec, from its registration on. */
export type SavedExec = z.infer<typeof execSchema>;
/** A task. */
export type SavedTask = z.infer<typeof taskSchema>;

/** The file of one task, with what stands in it. */
export class TaskFile {
  readonly #path: string;
  #saved: SavedTask;
  #tail: Promise<void> = Promise.resolve();

  private constructor(path: string, saved: SavedTask) {
    this.#path = path;
    this.#saved = saved;
  }

  /** Undefined when there is none, as after a create that was cut off. @throws for a file that is none of ours. */
  static async read(folder: string): Promise<TaskFile | undefined> {
    const path = join(folder, FILE);
    try {
      return new TaskFile(path, taskSchema.parse(JSON.parse(await readFile(path, "utf8"))));
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  static async create(folder: string, saved: SavedTask): Promise<TaskFile> {
    const file = new TaskFile(join(folder, FILE), saved);
    await file.#write();
    return file;
  }

  get saved(): SavedTask {
    return this.#saved;
  }

  /** An exec that was added. Ids are identifiers, so none of them means something to an object. */
  exec(execId: string): SavedExec | undefined {
    return Object.hasOwn(this.#saved.execs, execId) ? this.#saved.execs[execId] : undefined;
  }

  /** Changes what stands here at once; resolves when it is in the file. Never rejects for a folder that is gone. */
  async update(change: Partial<Omit<SavedTask, "execs">>): Promise<void> {
    this.#saved = { ...this.#saved, ...change };
    await this.#write();
  }

  /** The same for an exec. */
  async updateExec(execId: string, exec: SavedExec): Promise<void> {
    this.#saved = { ...this.#saved, execs: { ...this.#saved.execs, [execId]: exec } };
    await this.#write();
  }

  async removeExec(execId: string): Promise<void> {
    const rest = Object.entries(this.#saved.execs).filter(([id]) => id !== execId);
    this.#saved = { ...this.#saved, execs: Object.fromEntries(rest) };
    await this.#write();
  }

  #write(): Promise<void> {
    const write = async (): Promise<void> => {
      const text = JSON.stringify(this.#saved, (_, value: unknown) =>
        typeof value === "bigint" ? value.toString() : value,
      );
      // A reader finds the old one or the new one.
      await writeFile(`${this.#path}.new`, text, { mode: 0o600 });
      await rename(`${this.#path}.new`, this.#path);
    };
    const written = this.#tail.then(write);
    this.#tail = written.catch(() => {});
    return written.catch((error: unknown) => {
      // The task was removed meanwhile.
      if (!hasCode(error, "ENOENT")) throw error;
    });
  }
}
