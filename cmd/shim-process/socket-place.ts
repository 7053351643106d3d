// Where a process shim listens. Its name is made of the daemon's address and the namespace, so one daemon finds one shim for each
// of its namespaces, and never another daemon's.
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { errorOf } from "../../api/core/errors.js";

/** Where root's shims have their sockets, containerd's among them. */
const ROOT_FOLDER = "/run/containerd/s";
/** No identifier begins with a dot: no other shim's name is made of the same words. */
const KIND = ".process";
/** What fits into the address of a unix socket, less the NUL. */
const MAX_PATH_BYTES = 107;
const HASH_CHARACTERS = 64;

export interface Surroundings {
  readonly uid: number;
  /** `$XDG_RUNTIME_DIR`. */
  readonly runtimeDir: string | undefined;
}

/** The path of the socket; nothing is made. */
export function socketPlace(address: string, namespace: string, { uid, runtimeDir }: Surroundings): string {
  const name = createHash("sha256")
    .update(join(address, namespace, KIND))
    .digest("hex");
  return join(folderOf(uid, runtimeDir), name);
}

function folderOf(uid: number, runtimeDir: string | undefined): string {
  if (uid === 0) return ROOT_FOLDER;
  if (runtimeDir !== undefined && isAbsolute(runtimeDir)) {
    const folder = join(runtimeDir, "berth", "s");
    if (Buffer.byteLength(folder) + 1 + HASH_CHARACTERS <= MAX_PATH_BYTES) return folder;
  }
  // Everybody may write there: what is below is looked at before it is used.
  return `/tmp/berth-${uid}/s`;
}

/** Makes the folder of the socket. @throws permission_denied when somebody else could put something there. */
export function makeSocketFolder(path: string, uid: number): void {
  const folder = dirname(path);
  if (uid === 0) {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    return;
  }
  for (const made of [dirname(folder), folder]) {
    mkdirSync(made, { recursive: true, mode: 0o700 });
    const facts = lstatSync(made);
    if (!facts.isDirectory() || facts.uid !== uid || (facts.mode & 0o022) !== 0) {
      throw errorOf("permission_denied", `${made} must be a folder of uid ${uid} that nobody else can write to`);
    }
  }
}

/** Of this process. */
export function surroundings(): Surroundings {
  return { uid: process.getuid?.() ?? -1, runtimeDir: process.env["XDG_RUNTIME_DIR"] };
}
