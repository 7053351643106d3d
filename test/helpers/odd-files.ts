// A folder with one of everything that a copy could lose: links of both kinds, a FIFO, a device, a sparse file, owners, modes, times,
// attributes, names that are no UTF-8.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setXattr } from "../../runtime/sys/xattr.js";

export const SPARSE_BYTES = 5 * 1024 ** 3 + 7;
const ISLANDS = [0, 3 * 1024 ** 3, SPARSE_BYTES - 7];

/** What stands at the few places of the sparse file that have data. */
export function islandsOf(path: string): string[] {
  const fd = openSync(path, "r");
  const read = (at: number): string => {
    const buffer = Buffer.alloc(7);
    readSync(fd, buffer, 0, 7, at);
    return buffer.toString();
  };
  const islands = ISLANDS.map(read);
  closeSync(fd);
  return islands;
}

/** Makes it, which takes root, and hands its path back. */
export function makeOddFiles(dir: string): string {
  mkdirSync(join(dir, "sub/empty"), { recursive: true });
  writeFileSync(join(dir, "plain"), "plain\n");
  writeFileSync(join(dir, "sub/suid"), "#!/bin/sh\n");
  chownSync(join(dir, "sub/suid"), 12_345, 54_321);
  chmodSync(join(dir, "sub/suid"), 0o6751);
  linkSync(join(dir, "plain"), join(dir, "sub/hard"));
  symlinkSync("/etc/passwd", join(dir, "absolute"));
  symlinkSync("../plain", join(dir, "sub/relative"));
  lchownSync(join(dir, "sub/relative"), 7, 8);
  execFileSync("mkfifo", ["-m", "640", join(dir, "fifo")]);
  execFileSync("mknod", ["-m", "600", join(dir, "device"), "c", "1", "3"]);
  const fd = openSync(join(dir, "sparse"), "w");
  for (const at of ISLANDS) writeSync(fd, "island\n", at);
  ftruncateSync(fd, SPARSE_BYTES);
  closeSync(fd);
  writeFileSync(Buffer.concat([Buffer.from(`${dir}/name-`), Buffer.from([0xff, 0xfe])]), "bytes");
  setXattr(join(dir, "plain"), "user.note", Buffer.from("some=thing"));
  setXattr(
    join(dir, "sub/suid"),
    "security.capability",
    Buffer.from("0100000200040000000000000000000000000000", "hex"),
  );
  chmodSync(join(dir, "sub/empty"), 0o1770);
  for (const name of ["plain", "sub/empty", "sub"]) utimesSync(join(dir, name), 1_500_000_000, 1_500_000_000.25);
  return dir;
}
