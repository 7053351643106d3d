// SQLite's WAL needs shared memory and locks that network file systems do not give; a store there would corrupt quietly.
import { statfsSync } from "node:fs";
import { failedPrecondition } from "../api/core/errors.js";

/** statfs magic numbers (linux/magic.h and the file systems' own headers) of what is not on this machine's disks. */
const NETWORK_FILE_SYSTEMS = new Map<number, string>([
  [0x6969, "nfs"],
  [0x517b, "smb"],
  [0xff534d42, "cifs"],
  [0xfe534d42, "smb2"],
  [0x564c, "ncp"],
  [0x5346414f, "afs"],
  [0x6b414653, "afs"],
  [0x73757245, "coda"],
  [0x00c36400, "ceph"],
  [0x01021997, "9p"],
  [0x0bd00bd0, "lustre"],
  [0x01161970, "gfs2"],
  [0x7461636f, "ocfs2"],
  [0x19830326, "beegfs"],
  [0x47504653, "gpfs"],
]);

/** The name of the network file system with this statfs type, or undefined. */
export function networkFileSystem(type: number): string | undefined {
  return NETWORK_FILE_SYSTEMS.get(type >>> 0);
}

/** @throws failed_precondition when the folder lies on a network file system. */
export function requireLocalDisk(folder: string): void {
  const name = networkFileSystem(statfsSync(folder).type);
  if (name !== undefined) {
    throw failedPrecondition(`metadata store ${folder} is on a network file system (${name}); use a local disk`);
  }
}
