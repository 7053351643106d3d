// The folder of all snapshots of one snapshotter: each has a folder by its number. One comes into being under a passing name and
// is renamed when it is whole; it goes by being renamed first. So a number that is there is whole, whenever the machine stops.
// @source containerd plugins/snapshots/{native,overlay} (names and modes)
import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../sys/errno.js";
import { diskUsage } from "./disk-usage.js";
import { freeTree } from "./free-tree.js";

const FOLDER_MODE = 0o700;
const NUMBER = /^[1-9]\d*$/;
const PASSING = /^(new|rm)-/;

/** A folder with exactly this mode, whatever the umask. */
export async function makeFolder(path: string, mode: number): Promise<void> {
  await mkdir(path, { mode });
  await chmod(path, mode);
}

export class SnapshotFolders {
  readonly #dir: string;
  #isMade: Promise<void> | undefined;

  /** @param rootDir of the snapshotter, made when the first snapshot is. */
  constructor(rootDir: string) {
    this.#dir = join(rootDir, "snapshots");
  }

  path(id: number): string {
    return join(this.#dir, `${id}`);
  }

  /** Makes the folder of `id`; `fill` puts its contents into a path that will be renamed. Nothing stays of what fails. */
  async create(id: number, fill: (path: string) => Promise<void>): Promise<void> {
    this.#isMade ??= mkdir(this.#dir, { recursive: true, mode: FOLDER_MODE }).then(() => {});
    await this.#isMade;
    const passing = join(this.#dir, `new-${randomBytes(8).toString("hex")}`);
    try {
      await makeFolder(passing, FOLDER_MODE);
      await fill(passing);
      await rename(passing, this.path(id));
    } catch (error) {
      await freeTree(passing);
      throw error;
    }
    await this.#sync();
  }

  /** Frees the folder of `id`; fine when there is none. */
  async remove(id: number): Promise<void> {
    const passing = join(this.#dir, `rm-${id}`);
    try {
      await rename(this.path(id), passing);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    await freeTree(passing);
  }

  /** All numbers that have folders, in order. */
  async list(): Promise<number[]> {
    const names = await this.#names();
    return names
      .filter((name) => NUMBER.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  /**
   * Gives the folders passing names, and resolves with what frees them and all others that have such names: nobody may be making or
   * removing one meanwhile. Freeing goes through all of them before it rejects.
   */
  async retire(ids: readonly number[]): Promise<() => Promise<number>> {
    for (const id of ids) {
      try {
        await rename(this.path(id), join(this.#dir, `rm-${id}`));
      } catch (error) {
        if (!hasCode(error, "ENOENT")) throw error;
      }
    }
    const passing = (await this.#names()).filter((name) => PASSING.test(name));
    return () => this.#free(passing.map((name) => join(this.#dir, name)));
  }

  async #free(paths: readonly string[]): Promise<number> {
    let freedBytes = 0;
    const failures: unknown[] = [];
    for (const path of paths) {
      try {
        const { sizeBytes } = await diskUsage(path);
        await freeTree(path);
        freedBytes += sizeBytes;
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return freedBytes;
  }

  async #names(): Promise<string[]> {
    return await readdir(this.#dir).catch((error: unknown) => {
      if (hasCode(error, "ENOENT")) return [];
      throw error;
    });
  }

  /** The record that vouches for a folder is on disk before the answer leaves; so must be the folder. */
  async #sync(): Promise<void> {
    const dir = await open(this.#dir, "r");
    try {
      await dir.sync();
    } finally {
      await dir.close();
    }
  }
}
