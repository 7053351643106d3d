// The client's ends of a process's stdio, as streams that block nobody, for where somebody stands between them and the process: a blocked read or write would hold one of Node's few threads
// for as long as it lasts.
import { createReadStream, createWriteStream, fstatSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { type Readable, Writable } from "node:stream";
import { unknownError } from "../../api/core/errors.js";
import { systemText } from "../sys/system-text.js";
import { type OpenEnd, openInputEnd, openOutputEnd } from "./client-ends.js";
import type { Descriptors } from "./descriptors.js";
import { makeLogFile } from "./log-file.js";
import { type LogProgram, startLogProgram } from "./log-program.js";
import { parseStdioAddress } from "./stdio-address.js";

export interface StreamOptions extends Omit<OpenEnd, "mode"> {
  readonly namespace: string;
  /** Of the container. */
  readonly id: string;
}

/** Each stream closes its descriptor itself. */
export interface InputStream {
  readonly stream: Readable;
  /** Keeps a FIFO from ending while no client has it open. */
  readonly keep: number | undefined;
}

export interface OutputStream {
  readonly stream: Writable;
  readonly keep: number | undefined;
  readonly program: LogProgram | undefined;
}

/** "" is none. @throws what {@link openInputEnd} throws. */
export function openInputStream(held: Descriptors, path: string): InputStream | undefined {
  if (path === "") return undefined;
  const { fd, keep } = openInputEnd(held, path, { mode: "nonblocking" });
  const isPipe = fstatSync(fd).isFIFO();
  held.release(fd);
  const stream = isPipe ? new Socket({ fd, readable: true, writable: false }) : createReadStream("", { fd });
  return { stream, keep };
}

/** "" is nowhere. @throws what {@link openOutputEnd} and {@link startLogProgram} throw. */
export async function openOutputStream(
  held: Descriptors,
  stdout: string,
  options: StreamOptions,
): Promise<OutputStream> {
  if (stdout === "") return { stream: nowhere(), keep: undefined, program: undefined };
  const address = parseStdioAddress(stdout);
  if (address.kind === "program") {
    const { path, args } = address;
    const program = await startLogProgram(held, { ...options, owner: undefined, path, args });
    return { stream: writableOf(held, program.stdout), keep: undefined, program };
  }
  if (address.kind === "file") makeLogFile(address.path);
  else checkIsThere(address.path);
  const { fd, keep } = await openOutputEnd(held, address.path, { ...options, owner: undefined, mode: "nonblocking" });
  return { stream: writableOf(held, fd), keep, program: undefined };
}

function checkIsThere(path: string): void {
  try {
    statSync(path);
  } catch (error) {
    throw unknownError(systemText("stat", path, error), error);
  }
}

/** Takes over an open descriptor for output. */
export function writableOf(held: Descriptors, fd: number): Writable {
  const isPipe = fstatSync(fd).isFIFO();
  held.release(fd);
  return isPipe ? new Socket({ fd, readable: false, writable: true }) : createWriteStream("", { fd });
}

/** Takes all and keeps nothing. */
export function nowhere(): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
}
