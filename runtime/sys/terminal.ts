// The settings of a terminal. Node's own raw mode still turns each line feed of the output into two characters, which spoils what
// programs draw; this is the C library's, which leaves every byte alone.
import { systemError, tryCall } from "./libc.js";

/** More than any `struct termios` of Linux has. */
const TERMIOS_BYTES = 256;
const TCSADRAIN = 1;

/** Makes a terminal raw. @returns what puts the former settings back, callable at any time. @throws ENOTTY, EBADF. */
export function makeRaw(fd: number): () => void {
  const before = Buffer.alloc(TERMIOS_BYTES);
  const result = tryCall("tcgetattr", fd, before);
  if (result < 0) throw systemError("tcgetattr", -result);
  const raw = Buffer.from(before);
  tryCall("cfmakeraw", raw);
  apply(fd, raw);
  return () => apply(fd, before);
}

function apply(fd: number, settings: Buffer): void {
  const result = tryCall("tcsetattr", fd, TCSADRAIN, settings);
  if (result < 0) throw systemError("tcsetattr", -result);
}
