// Named pipes: what carries the stdio of containers and the log of a shim.
import { statSync } from "node:fs";
import { cString, systemError, tryCall } from "./libc.js";

/** Makes a named pipe with `mode` (less the umask). @throws EEXIST when something has that name, ENOENT without the folder, … */
export function makeFifo(path: string, mode: number): void {
  const result = tryCall("mkfifo", cString("mkfifo", path), mode);
  if (result < 0) throw systemError("mkfifo", -result, path);
}

/** Whether a named pipe is there; links are followed. Nothing there is false. @throws what stat throws otherwise (EACCES, …). */
export function isFifo(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false;
}
