// Where the driver of an engine keeps what it must not forget: its name at the engine, which outlives a reboot, and a bundle for each
// task. Both lie in folders of the runtime's name.
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unknownError } from "../../api/core/errors.js";
import { isIdentifier, validateIdentifier } from "../../api/core/identifiers.js";
import { type BundleRoots, listDir } from "../bundle.js";
import { hasCode } from "../sys/errno.js";

const OWNER_FILE = "owner";
const OWNER_BYTES = 16;

/** The folder of one task. */
export interface EngineBundle {
  readonly namespace: string;
  readonly id: string;
  /** `<state>/<runtime>/<namespace>/<id>`. */
  readonly path: string;
}

export class EngineFolders {
  /** In the state folder; gone after a reboot, as everything in it. */
  readonly state: string;
  readonly #root: string;

  constructor({ rootDir, stateDir }: BundleRoots, runtime: string) {
    this.state = join(stateDir, runtime);
    this.#root = join(rootDir, runtime);
  }

  /** @throws invalid_argument for what is no identifier: it becomes a path. */
  bundle(namespace: string, id: string): EngineBundle {
    validateIdentifier(namespace);
    validateIdentifier(id);
    return { namespace, id, path: join(this.state, namespace, id) };
  }

  /** All bundles there are. */
  async bundles(): Promise<EngineBundle[]> {
    const namespaces = (await listDir(this.state)).filter(isIdentifier);
    const found = namespaces.map(async (namespace) => {
      const ids = (await listDir(join(this.state, namespace))).filter(isIdentifier);
      return ids.map((id) => this.bundle(namespace, id));
    });
    return (await Promise.all(found)).flat();
  }

  /** What this daemon's containers are marked with; undefined when it has never made one. */
  async readOwner(): Promise<string | undefined> {
    try {
      return (await readFile(this.#ownerPath, "utf8")).trim();
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  /** The same, made when there is none. */
  async ensureOwner(): Promise<string> {
    const known = await this.readOwner();
    if (known !== undefined) return known;
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    const owner = randomBytes(OWNER_BYTES).toString("hex");
    const draft = `${this.#ownerPath}.${owner}`;
    await writeFile(draft, `${owner}\n`, { mode: 0o600, flush: true });
    try {
      // Whole, or not there: half a name would disown containers.
      await link(draft, this.#ownerPath);
      return owner;
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
      return (await readFile(this.#ownerPath, "utf8")).trim();
    } finally {
      await rm(draft, { force: true });
    }
  }

  get #ownerPath(): string {
    return join(this.#root, OWNER_FILE);
  }
}

/** Makes a bundle's folder with its config.json. @throws kind unknown with `mkdir <bundle>: file exists` when it is there. */
export async function makeEngineBundle({ path }: EngineBundle, spec: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (hasCode(error, "EEXIST")) throw unknownError(`mkdir ${path}: file exists`, error);
    throw error;
  }
  await writeFile(join(path, "config.json"), spec, { mode: 0o600 });
}
