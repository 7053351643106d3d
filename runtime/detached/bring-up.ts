// Starts a program that outlives this one, and waits until it says that it serves.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { unknownError } from "../../api/core/errors.js";
import { READY, STARTER_FD } from "./starter.js";

export interface BringUpRequest {
  readonly program: string;
  readonly args: readonly string[];
  /** Its name in lists of processes. Default: that of the program. */
  readonly argv0?: string;
  /** What goes before its name when something is wrong. */
  readonly name: string;
  /** A descriptor for its stderr. Default: nowhere. */
  readonly stderr?: number | undefined;
}

/** Resolves when it serves. @throws unknown with what it said when it does not; an Error with an errno code without a program. */
export async function bringUp({ program, args, argv0, name, stderr }: BringUpRequest): Promise<void> {
  const child = spawn(program, args, {
    // Folders go, but this one stays.
    cwd: "/",
    detached: true,
    stdio: ["ignore", "ignore", stderr ?? "ignore", "pipe"],
    ...(argv0 === undefined ? {} : { argv0 }),
  });
  await once(child, "spawn");
  const pipe = child.stdio[STARTER_FD];
  const said = pipe instanceof Readable ? await text(pipe) : "";
  if (said !== READY) throw unknownError(`${name} did not start: ${said === "" ? "it ended without a word" : said}`);
  child.unref();
}
