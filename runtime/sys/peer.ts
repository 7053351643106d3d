// Who is at the other end of a unix socket, as the kernel recorded it when the connection was made.
import { endianness } from "node:os";
import { systemError, tryCall } from "./libc.js";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid and gid, 32 bits each. */
const UCRED_BYTES = 12;

/** Process, user and group of the peer. `pid` is 0 when it lives in a pid namespace that is not visible from here. */
export interface PeerIdentity {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** @throws an Error with an errno code: ENOTSOCK, EBADF, … */
export function peerCredentials(fd: number): PeerIdentity {
  const value = Buffer.alloc(UCRED_BYTES);
  const length = [UCRED_BYTES];
  const result = tryCall("getsockopt", fd, SOL_SOCKET, SO_PEERCRED, value, length);
  if (result < 0) throw systemError("getsockopt", -result);
  const view = new DataView(value.buffer, value.byteOffset, UCRED_BYTES);
  const little = endianness() === "LE";
  return { pid: view.getInt32(0, little), uid: view.getUint32(4, little), gid: view.getUint32(8, little) };
}
