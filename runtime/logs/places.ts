// Where logs lie: segments below the root folder, and below the state folder what a running task's log needs. Namespaces and ids
// are identifiers, so they are names of folders.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { hasCode } from "../sys/errno.js";

const FOLDER = "logs";
const DIGITS = 20;
const SEGMENT = /^(\d{20})-(\d+)\.log$/;

/** The folder of all logs below the root, or of all streams below the state folder. */
export const logsFolder = (dir: string): string => join(dir, FOLDER);
/** Of one container, below either. */
export const containerFolder = (dir: string, namespace: string, id: string): string => join(dir, FOLDER, namespace, id);
/** On which the log process of a state folder listens. */
export const logSocket = (stateDir: string): string => join(stateDir, FOLDER, "log-writer.sock");

/** A file with consecutive lines of one attempt. */
export interface Segment {
  readonly path: string;
  /** The number of its first line, also while it has none. */
  readonly first: number;
  /** Which task of the container wrote it. */
  readonly attempt: number;
}

export const segmentName = (first: number, attempt: number): string =>
  `${String(first).padStart(DIGITS, "0")}-${attempt}.log`;

/** In the order of their lines; none of a folder that is not there. */
export function listSegments(folder: string): Segment[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
  const segments = names.flatMap((name): Segment[] => {
    const match = SEGMENT.exec(name);
    return match === null ? [] : [{ path: join(folder, name), first: Number(match[1]), attempt: Number(match[2]) }];
  });
  // An attempt that wrote nothing has a segment of the same number before the next one's.
  return segments.sort((a, b) => a.first - b.first || a.attempt - b.attempt);
}
