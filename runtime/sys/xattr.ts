// Extended attributes of a path itself: a symbolic link is never followed. Names and values are bytes; a name is handed out as
// UTF-8 text, as Linux programs write it. Calls are synchronous, a microsecond or two each.
import { constants } from "node:os";
import { pathBytes, systemError, tryCall } from "./libc.js";

const { EACCES, ENODATA, ENOTSUP, EPERM, ERANGE } = constants.errno;
/** Room for nearly every list and value, so that one call does. */
const FIRST_TRY_BYTES = 1024;

/** Calls until the answer fits, since it may grow between two calls. Below zero: -errno. */
function readAll(call: (buffer: Buffer) => number): Buffer | number {
  let buffer = Buffer.allocUnsafe(FIRST_TRY_BYTES);
  for (;;) {
    const length = call(buffer);
    if (length >= 0) return buffer.subarray(0, length);
    if (length !== -ERANGE) return length;
    buffer = Buffer.allocUnsafe(Math.max(call(Buffer.alloc(0)), buffer.length) * 2);
  }
}

/** The names of all attributes, none where the file system has no such thing. @throws an Error with an errno code: ENOENT, … */
export function listXattrs(path: string | Buffer): string[] {
  const bytes = pathBytes("llistxattr", path);
  const names = readAll((buffer) => tryCall("llistxattr", bytes, buffer, buffer.length));
  if (typeof names === "number") {
    if (names === -ENOTSUP) return [];
    throw systemError("llistxattr", -names, path.toString());
  }
  return names
    .toString()
    .split("\0")
    .filter((name) => name !== "");
}

/** An attribute's value; undefined when there is none, or where the file system has no such thing. @throws an Error with an errno code. */
export function getXattr(path: string | Buffer, name: string): Buffer | undefined {
  const bytes = pathBytes("lgetxattr", path);
  const nameBytes = pathBytes("lgetxattr", name);
  const value = readAll((buffer) => tryCall("lgetxattr", bytes, nameBytes, buffer, buffer.length));
  if (typeof value !== "number") return value;
  if (value === -ENODATA || value === -ENOTSUP) return undefined;
  throw systemError("lgetxattr", -value, path.toString());
}

/** Sets an attribute, new or not. @throws an Error with an errno code: ENOTSUP where the file system or the name forbids, EPERM, … */
export function setXattr(path: string | Buffer, name: string, value: Uint8Array): void {
  const [bytes, nameBytes] = [pathBytes("lsetxattr", path), pathBytes("lsetxattr", name)];
  const result = tryCall("lsetxattr", bytes, nameBytes, value, value.length, 0);
  if (result < 0) throw systemError("lsetxattr", -result, path.toString());
}

/** Takes an attribute away. @returns false when there was none. @throws an Error with an errno code. */
export function removeXattr(path: string | Buffer, name: string): boolean {
  const result = tryCall("lremovexattr", pathBytes("lremovexattr", path), pathBytes("lremovexattr", name));
  if (result >= 0) return true;
  if (result === -ENODATA) return false;
  throw systemError("lremovexattr", -result, path.toString());
}

/** Copies all attributes that may be copied; those that this file system or user may not set are left out, as containerd does. */
export function copyXattrs(from: string | Buffer, to: string | Buffer): void {
  for (const name of listXattrs(from)) {
    const value = getXattr(from, name);
    if (value === undefined) continue;
    const result = tryCall(
      "lsetxattr",
      pathBytes("lsetxattr", to),
      pathBytes("lsetxattr", name),
      value,
      value.length,
      0,
    );
    if (result < 0 && ![-ENOTSUP, -EPERM, -EACCES].includes(result))
      throw systemError("lsetxattr", -result, to.toString());
  }
}
