// A socket's path in the length that its address has room for: a longer one goes through the open folder that it lies in.
import { closeSync, constants, openSync } from "node:fs";
import { basename, dirname } from "node:path";

/** Less the NUL. */
const MAX_PATH_BYTES = 107;

/** Of use until it is disposed. */
export interface SocketAddress extends Disposable {
  readonly path: string;
}

/** @throws an Error with an errno code when the folder of a long path is not there. */
export function shortAddress(path: string): SocketAddress {
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return { path, [Symbol.dispose]: () => {} };
  const fd = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  let isOpen = true;
  return {
    path: `/proc/self/fd/${fd}/${basename(path)}`,
    [Symbol.dispose]: () => {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}
