// Where the driver keeps what it must not forget: its name at the engine, which outlives a reboot, and a bundle for each task.
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isIdentifier, validateIdentifier } from "../../../api/core/identifiers.js";
import { type BundleRoots, listDir } from "../../bundle.js";
import { hasCode } from "../../sys/errno.js";

/** The runtime's name, and that of the driver's folder below root and state folder. */
export const DOCKER_RUNTIME = "io.berth.docker.v1";

const OWNER_FILE = "owner";
const OWNER_BYTES = 16;

/** The folder of one task. */
export interface DockerBundle {
  readonly namespace: string;
  readonly id: string;
  /** `<state>/io.berth.docker.v1/<namespace>/<id>`. */
  readonly path: string;
}

/** In the state folder; gone after a reboot, as everything in it. */
export const stateFolder = (roots: BundleRoots): string => join(roots.stateDir, DOCKER_RUNTIME);

/** @throws invalid_argument for what is no identifier: it becomes a path. */
export function dockerBundle(roots: BundleRoots, namespace: string, id: string): DockerBundle {
  validateIdentifier(namespace);
  validateIdentifier(id);
  return { namespace, id, path: join(stateFolder(roots), namespace, id) };
}

/** All bundles there are. */
export async function listBundles(roots: BundleRoots): Promise<DockerBundle[]> {
  const namespaces = (await listDir(stateFolder(roots))).filter(isIdentifier);
  const found = namespaces.map(async (namespace) => {
    const ids = (await listDir(join(stateFolder(roots), namespace))).filter(isIdentifier);
    return ids.map((id) => dockerBundle(roots, namespace, id));
  });
  return (await Promise.all(found)).flat();
}

/** What this daemon's containers are labelled with; undefined when it has never made one. */
export async function readOwner(roots: BundleRoots): Promise<string | undefined> {
  try {
    return (await readFile(ownerPath(roots), "utf8")).trim();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The same, made when there is none. */
export async function ensureOwner(roots: BundleRoots): Promise<string> {
  const known = await readOwner(roots);
  if (known !== undefined) return known;
  const path = ownerPath(roots);
  await mkdir(join(roots.rootDir, DOCKER_RUNTIME), { recursive: true, mode: 0o700 });
  const owner = randomBytes(OWNER_BYTES).toString("hex");
  const draft = `${path}.${owner}`;
  await writeFile(draft, `${owner}\n`, { mode: 0o600, flush: true });
  try {
    // Whole, or not there: half a name would disown containers.
    await link(draft, path);
    return owner;
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    return (await readFile(path, "utf8")).trim();
  } finally {
    await rm(draft, { force: true });
  }
}

const ownerPath = (roots: BundleRoots): string => join(roots.rootDir, DOCKER_RUNTIME, OWNER_FILE);
