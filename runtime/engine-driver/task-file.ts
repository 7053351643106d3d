// What a task's bundle remembers, so that another daemon finds the task again, in a file. Written as a whole, and only when something
// changed. What stands in it is the driver's to say.
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { hasCode } from "../sys/errno.js";

const FILE = "task.json";

/** The streams of a process. */
export const stdioSchema = z.object({
  stdin: z.string(),
  stdout: z.string(),
  stderr: z.string(),
  terminal: z.boolean(),
});

/** How a process ended; its pid is beside it. */
export const endSchema = z.object({
  exitStatus: z.number().int(),
  /** Nanoseconds since 1970. */
  exitedAtNs: z.string().regex(/^\d+$/).transform(BigInt),
});

export type SavedEnd = z.infer<typeof endSchema>;

/** A task's own, and its execs by their ids. */
interface WithExecs<Exec> {
  readonly execs: Readonly<Record<string, Exec>>;
}

/** The file of one task, with what stands in it. */
export class TaskFile<Saved extends WithExecs<Exec>, Exec> {
  readonly #path: string;
  #saved: Saved;
  #tail: Promise<void> = Promise.resolve();

  private constructor(path: string, saved: Saved) {
    this.#path = path;
    this.#saved = saved;
  }

  /** Undefined when there is none, as after a create that was cut off. @throws for a file that is none of ours. */
  static async read<Saved extends WithExecs<Exec>, Exec>(
    folder: string,
    schema: z.ZodType<Saved>,
  ): Promise<TaskFile<Saved, Exec> | undefined> {
    const path = join(folder, FILE);
    try {
      return new TaskFile<Saved, Exec>(path, schema.parse(JSON.parse(await readFile(path, "utf8"))));
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  static async create<Saved extends WithExecs<Exec>, Exec>(
    folder: string,
    saved: Saved,
  ): Promise<TaskFile<Saved, Exec>> {
    const file = new TaskFile<Saved, Exec>(join(folder, FILE), saved);
    await file.#write();
    return file;
  }

  get saved(): Saved {
    return this.#saved;
  }

  /** An exec that was added. Ids are identifiers, so none of them means something to an object. */
  exec(execId: string): Exec | undefined {
    return Object.hasOwn(this.#saved.execs, execId) ? this.#saved.execs[execId] : undefined;
  }

  /** Changes what stands here at once; resolves when it is in the file. Never rejects for a folder that is gone. */
  async update(change: Partial<Omit<Saved, "execs">>): Promise<void> {
    this.#saved = { ...this.#saved, ...change };
    await this.#write();
  }

  /** The same for an exec. */
  async updateExec(execId: string, exec: Exec): Promise<void> {
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
