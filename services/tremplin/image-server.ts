// An image server as a request names it, and what LXD tells of a download from it.
import { ContainerdError, errorKind, invalidArgument } from "../../api/core/errors.js";
import type { Operation } from "../../runtime/lxd/replies.js";
import { reasonOf } from "./failure.js";

const MILESTONE = "%d";
const PROGRESS = /^(metadata|rootfs): (\d+)%/;

/** LXD fetches images by itself and tells only in words what went wrong. */
const FAILURES = [
  { words: /requested image couldn't be found/, what: "get alias" },
  { words: /Failed parsing stream|Must specify one of alias/, what: "connect to simplestreams image server" },
  { words: /Failed getting remote image info/, what: "get image for alias" },
] as const;

/** The first `%d` stands for the milestone of the system. @throws invalid_argument when that is not known. */
export function serverOf(imageServer: string, milestone: number | undefined): string {
  if (!imageServer.includes(MILESTONE)) return imageServer;
  if (milestone === undefined) {
    const reason = `no milestone is known that ${MILESTONE} in ${imageServer} stands for`;
    throw invalidArgument(`failed to connect to simplestreams image server: ${reason}`);
  }
  return imageServer.replace(MILESTONE, String(milestone));
}

/** How much of the root file system has come; 0 while it is the metadata. Undefined when the news is about something else. */
export function percentOf({ metadata }: Pick<Operation, "metadata">): number | undefined {
  const progress = metadata?.["download_progress"];
  const [, part, percent] = (typeof progress === "string" && PROGRESS.exec(progress)) || [];
  if (part === undefined) return undefined;
  return part === "rootfs" ? Number(percent) : 0;
}

/** What LXD failed with, behind the step that it failed at. */
export function wordsOf(error: unknown): ContainerdError {
  const reason = reasonOf(error);
  const what = FAILURES.find(({ words }) => words.test(reason))?.what ?? "create container from image";
  return new ContainerdError(errorKind(error), `failed to ${what}: ${reason}`, { cause: error });
}
