// Failed system calls in the words of the runtimes that clients know: `open /x: no such file or directory`.
import { getSystemErrorMap } from "node:util";

/** Where Node's words are not the C library's. */
const TEXTS = new Map([
  ["EISDIR", "is a directory"],
  ["EEXIST", "file exists"],
  ["ENXIO", "no such device or address"],
  ["EBUSY", "device or resource busy"],
  ["ETXTBSY", "text file busy"],
  ["ELOOP", "too many levels of symbolic links"],
]);

/** The reason alone; the message of an Error that is no failed system call. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!("code" in error && "errno" in error && typeof error.code === "string" && typeof error.errno === "number")) {
    return error.message;
  }
  return TEXTS.get(error.code) ?? getSystemErrorMap().get(error.errno)?.[1] ?? error.message;
}

/** `call path: reason`. */
export const systemText = (call: string, path: string, error: unknown): string =>
  `${call} ${path}: ${systemReason(error)}`;
