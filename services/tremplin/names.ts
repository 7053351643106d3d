// Names: which ones a container may have, which the service keeps for itself, and the marks that it leaves on instances.
import { invalidArgument } from "../../api/core/errors.js";

/** The container of callers that know of one only. */
export const DEFAULT_CONTAINER = "penguin";
/** What a container is called while it is made. */
export const CREATE_NAME = "crostini-inprogress-create";
/** What a container is called while it is imported. */
export const IMPORT_NAME = "rootfs-import";
/** The snapshot that an export is made of. */
export const BACKUP_SNAPSHOT = "rootfs-backup";
/** Setting of instances that CreateContainer made. */
export const CREATED_MARK = "user.tremplin.created";
/** Setting of those that were started once since then. */
export const FINISHED_MARK = "user.tremplin.finished";
/** Setting of what a container was before its remap, when its copy has its name: it is not to come back. */
export const REPLACED_MARK = "user.tremplin.replaced";

const REMAP_SUFFIX = "-crostini-remap";
const RECOVER_SUFFIX = "-crostini-recover";
/** LXD's rule: the name of a host, which begins with a letter. */
const NAME = /^[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;

/** The copy of a container whose users are given other numbers. */
export const remapName = (name: string): string => name + REMAP_SUFFIX;
/** What the container itself is called while that copy takes its place. */
export const recoverName = (name: string): string => name + RECOVER_SUFFIX;

/** Whose copy or predecessor it is that has this name; undefined for any other. */
export function originalName(name: string): string | undefined {
  const suffix = [REMAP_SUFFIX, RECOVER_SUFFIX].find((end) => name.endsWith(end));
  return suffix === undefined || suffix === name ? undefined : name.slice(0, -suffix.length);
}

/** Whether an instance of this name is the service's own business, which callers are told nothing of. */
export const isInternalName = (name: string): boolean =>
  name === CREATE_NAME || name === IMPORT_NAME || name.endsWith(REMAP_SUFFIX) || name.endsWith(RECOVER_SUFFIX);

/** Whether a container of callers may have this name. */
export const isContainerName = (name: string): boolean => NAME.test(name) && !isInternalName(name);

/** Before a name that a caller gave is used for anything. @throws invalid_argument when no container can have it. */
export function checkContainerName(name: string): void {
  if (!NAME.test(name)) {
    const rule = "1 to 63 letters, digits and hyphens, the first a letter, the last no hyphen";
    throw invalidArgument(`bad container name ${JSON.stringify(name)}, it takes ${rule}`);
  }
  if (isInternalName(name)) throw invalidArgument(`container name ${name} is kept for the service itself`);
}
