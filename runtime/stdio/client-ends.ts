// The paths that a client names for stdio, opened: FIFOs so that clients may come and go, files to append to.
// @source containerd runtime/v2/runc/process/io.go (what is opened how, and what is said when it cannot be)
import { constants, fchownSync, fstatSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ContainerdError, unknownError } from "../../api/core/errors.js";
import { hasCode } from "../sys/errno.js";
import { isFifo } from "../sys/fifo.js";
import { systemText } from "../sys/system-text.js";
import type { Descriptors } from "./descriptors.js";

const { O_APPEND, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
const FIRST_LOOK_MS = 1;
const SLOWEST_LOOK_MS = 50;

/** Whose process it is. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface OpenEnd {
  /** "blocking" for a process, "nonblocking" for ourselves. A file takes no notice of it. */
  readonly mode: "blocking" | "nonblocking";
  /** Gets a FIFO of our own user, or else its process could not open `/dev/stdout`. */
  readonly owner?: Owner | undefined;
  /** Ends the waiting for a reader. */
  readonly signal?: AbortSignal | undefined;
  /** Until when a reader must have come. */
  readonly deadlineMs: number;
}

export interface ClientEnd {
  readonly fd: number;
  /** Keeps a FIFO alive while no client has it open; undefined for a file. */
  readonly keep: number | undefined;
}

/**
 * Where output goes. A FIFO must have a reader first, as otherwise the output could be lost with nobody to miss it.
 * @throws deadline_exceeded without a reader; unknown for what cannot be opened.
 */
export async function openOutputEnd(held: Descriptors, path: string, open: OpenEnd): Promise<ClientEnd> {
  if (!isFifoPath(path)) return { fd: openFile(held, path), keep: undefined };
  const first = await openOnceRead(held, path, open);
  try {
    const keep = held.open(path, O_RDWR | O_NONBLOCK);
    const fd = open.mode === "blocking" ? held.open(path, O_WRONLY) : first;
    if (fd !== first) held.close(first);
    giveTo(fd, open.owner);
    return { fd, keep };
  } catch (error) {
    throw cannotOpen(`w/o fifo "${path}"`, systemText("open", path, error), error);
  }
}

/** Where input comes from. A FIFO has a writer from then on: `keep`. @throws unknown for what cannot be opened. */
export function openInputEnd(held: Descriptors, path: string, open: Pick<OpenEnd, "mode" | "owner">): ClientEnd {
  try {
    const first = held.open(path, O_RDONLY | O_NONBLOCK);
    const keep = fstatSync(first).isFIFO() ? held.open(path, O_WRONLY | O_NONBLOCK) : undefined;
    const fd = open.mode === "blocking" ? held.open(path, O_RDONLY) : first;
    if (fd !== first) held.close(first);
    giveTo(fd, open.owner);
    return { fd, keep };
  } catch (error) {
    throw unknownError(`failed to open stdin fifo ${path}: ${systemText("stat", path, error)}`, error);
  }
}

function isFifoPath(path: string): boolean {
  try {
    return isFifo(path);
  } catch (error) {
    throw unknownError(systemText("stat", path, error), error);
  }
}

function openFile(held: Descriptors, path: string): number {
  try {
    return held.open(path, O_WRONLY | O_APPEND);
  } catch (error) {
    throw cannotOpen(`file "${path}"`, systemText("open", path, error), error);
  }
}

/** No call waits for a reader without blocking a thread for as long, so the FIFO is looked at again and again. */
async function openOnceRead(held: Descriptors, path: string, { signal, deadlineMs }: OpenEnd): Promise<number> {
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 2, SLOWEST_LOOK_MS)) {
    signal?.throwIfAborted();
    try {
      return held.open(path, O_WRONLY | O_NONBLOCK);
    } catch (error) {
      if (!hasCode(error, "ENXIO")) throw cannotOpen(`w/o fifo "${path}"`, systemText("open", path, error), error);
      if (Date.now() >= deadlineMs) throw nobodyReads(path);
    }
    // It fails only when it is cut short, and then the next round tells why.
    await sleep(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

const cannotOpen = (what: string, reason: string, cause: unknown): ContainerdError =>
  unknownError(`containerd-shim: opening ${what} failed: ${reason}`, cause);

const nobodyReads = (path: string): ContainerdError =>
  new ContainerdError(
    "deadline_exceeded",
    `containerd-shim: opening w/o fifo "${path}" failed: context deadline exceeded`,
  );

/** A pipe becomes the owner's. One that belongs to somebody else stays theirs: they may want to open it again. */
export function giveTo(fd: number, owner: Owner | undefined): void {
  if (owner === undefined || owner.uid === process.getuid?.()) return;
  if (fstatSync(fd).uid === process.getuid?.()) fchownSync(fd, owner.uid, owner.gid);
}
