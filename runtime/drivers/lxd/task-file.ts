// What the driver must not forget of a task, in a file in its bundle: its instance, the pid, how it ended. Written as a whole.
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { unknownError } from "../../../api/core/errors.js";
import { isIdentifier, validateIdentifier } from "../../../api/core/identifiers.js";
import { type BundleRoots, listDir } from "../../bundle.js";
import { hasCode } from "../../sys/errno.js";

/** The runtime's name, and that of the driver's folder below the state folder. */
export const LXD_RUNTIME = "io.berth.lxd.v1";

const FILE = "task.json";

const taskSchema = z.object({
  /** Name at LXD. */
  instance: z.string(),
  /** False while the instance is being made. */
  isMade: z.boolean(),
  pid: z.number().int(),
  isStarted: z.boolean(),
  end: z.object({ exitStatus: z.number().int(), exitedAtNs: z.string().transform(BigInt) }).optional(),
});

export type SavedTask = z.infer<typeof taskSchema>;

export interface TaskName {
  readonly namespace: string;
  readonly id: string;
}

/** @throws invalid_argument for what is no identifier: it becomes a path. */
export function lxdBundle(roots: BundleRoots, { namespace, id }: TaskName): string {
  validateIdentifier(namespace);
  validateIdentifier(id);
  return join(roots.stateDir, LXD_RUNTIME, namespace, id);
}

/** All tasks that have a bundle. */
export async function listBundles(roots: BundleRoots): Promise<TaskName[]> {
  const folder = join(roots.stateDir, LXD_RUNTIME);
  const found: TaskName[] = [];
  for (const namespace of (await listDir(folder)).filter(isIdentifier)) {
    for (const id of (await listDir(join(folder, namespace))).filter(isIdentifier)) found.push({ namespace, id });
  }
  return found;
}

/** The file of one task, with what stands in it. */
export class TaskFile {
  readonly bundle: string;
  #saved: SavedTask;
  #tail: Promise<void> = Promise.resolve();

  private constructor(bundle: string, saved: SavedTask) {
    this.bundle = bundle;
    this.#saved = saved;
  }

  /** Takes the task's name, if nobody has it. @throws kind unknown with `mkdir <bundle>: file exists`. */
  static async create(bundle: string, instance: string, spec: Uint8Array): Promise<TaskFile> {
    await mkdir(dirname(bundle), { recursive: true, mode: 0o711 });
    try {
      await mkdir(bundle, { mode: 0o700 });
    } catch (error) {
      if (hasCode(error, "EEXIST")) throw unknownError(`mkdir ${bundle}: file exists`, error);
      throw error;
    }
    await writeFile(join(bundle, "config.json"), spec, { mode: 0o600 });
    const file = new TaskFile(bundle, { instance, isMade: false, pid: 0, isStarted: false });
    await file.update({});
    return file;
  }

  /** Undefined when there is none, as after a create that was cut off. @throws for a file that is none of ours. */
  static async read(bundle: string): Promise<TaskFile | undefined> {
    try {
      return new TaskFile(bundle, taskSchema.parse(JSON.parse(await readFile(join(bundle, FILE), "utf8"))));
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  get saved(): SavedTask {
    return this.#saved;
  }

  /** Changes what stands here at once; resolves when it is in the file. Never rejects for a bundle that is gone. */
  async update(change: Partial<SavedTask>): Promise<void> {
    this.#saved = { ...this.#saved, ...change };
    const written = this.#tail.then(() => this.#write());
    this.#tail = written.catch(() => {});
    await written;
  }

  async remove(): Promise<void> {
    await rm(this.bundle, { recursive: true, force: true });
  }

  async #write(): Promise<void> {
    const path = join(this.bundle, FILE);
    const text = JSON.stringify(this.#saved, (_, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    );
    try {
      // A reader finds the old one or the new one.
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }
}
