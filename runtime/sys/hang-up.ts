// Whether somebody is still at the other end of a pipe, a socket or a terminal. A write would tell, but whoever has nothing to write
// would never hear of it.
import { endianness } from "node:os";
import { systemError, tryCall } from "./libc.js";

const POLLERR = 0x8;
const POLLHUP = 0x10;
const EINTR = 4;
/** struct pollfd: the descriptor in 32 bits, wanted and returned events in 16 each. */
const POLLFD_BYTES = 8;

/** Asks the kernel, without waiting. Files, which have no other end, are never hung up. @throws an Error with an errno code. */
export function isHungUp(fd: number): boolean {
  const entry = new DataView(new ArrayBuffer(POLLFD_BYTES));
  const little = endianness() === "LE";
  entry.setInt32(0, fd, little);
  const result = tryCall("poll", new Uint8Array(entry.buffer), 1, 0);
  if (result === -EINTR) return false;
  if (result < 0) throw systemError("poll", -result);
  return (entry.getUint16(6, little) & (POLLERR | POLLHUP)) !== 0;
}
