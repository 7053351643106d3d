// A process to be added to an instance, as LXD's exec can run it: program, environment, user and folder. Who may do what inside is the
// instance's, the same for all its processes.
import * as z from "zod";
import { invalidArgument } from "../../../api/core/errors.js";
import { parseJson, toVariable } from "./spec.js";

const MAX_ID = 0xffff_fffe;
const id = z.number().int().min(0).max(MAX_ID).default(0);

const processSchema = z.looseObject({
  args: z.array(z.string()).min(1),
  env: z.array(z.string()).nullish(),
  cwd: z.string().nullish(),
  user: z.looseObject({ uid: id, gid: id }).nullish(),
});

/** What LXD is asked for. */
export interface ExecProcess {
  readonly command: [string, ...string[]];
  readonly env: Record<string, string>;
  readonly uid: number;
  readonly gid: number;
  /** "" for the user's home. */
  readonly cwd: string;
}

/** @param process the bytes of an OCI Process. @throws invalid_argument for what is none. */
export function translateExec(process: Uint8Array): ExecProcess {
  const { args, env, cwd, user } = parseJson(processSchema, process, "process");
  const [program = "", ...rest] = args;
  const hasNul = [...args, ...(env ?? []), cwd ?? ""].some((text) => text.includes("\0"));
  // C ends a string there.
  if (hasNul) throw invalidArgument("invalid process: a NUL in a string");
  return {
    command: [program, ...rest],
    env: Object.fromEntries((env ?? []).map(toVariable)),
    uid: user?.uid ?? 0,
    gid: user?.gid ?? 0,
    cwd: cwd ?? "",
  };
}
