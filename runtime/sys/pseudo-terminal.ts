// Pseudo terminals: a pair of ends, of which the process gets the one that behaves like a terminal.
import { closeSync, constants, openSync } from "node:fs";
import { systemError, tryCall } from "./libc.js";

const MULTIPLEXER = "/dev/ptmx";
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const TIOCSWINSZ = 0x5414;

export interface PseudoTerminal {
  /** Our end: non-blocking, not inherited, to be closed by the caller. */
  readonly fd: number;
  /** Of the other end, to be opened. */
  readonly path: string;
}

/** Makes one whose other end may be opened. @throws an Error with an errno code: ENOENT without /dev/pts, ENOSPC, … */
export function openPseudoTerminal(): PseudoTerminal {
  const fd = openSync(MULTIPLEXER, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    control(fd, TIOCSPTLCK, new Int32Array([0]));
    const number = new Int32Array(1);
    control(fd, TIOCGPTN, number);
    return { fd, path: `/dev/pts/${number[0]}` };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** In characters. Processes in the terminal's foreground are told of it. @throws EBADF, ENOTTY. */
export function setWindowSize(fd: number, columns: number, rows: number): void {
  control(fd, TIOCSWINSZ, new Uint16Array([rows, columns, 0, 0]));
}

function control(fd: number, request: number, argument: Int32Array | Uint16Array): void {
  const result = tryCall("ioctl", fd, request, argument);
  if (result < 0) throw systemError("ioctl", -result);
}
