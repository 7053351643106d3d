// The parts of an OCI spec that a process of the host is made from. What is not named here stays as it is: refusals.ts looks at it.
// @source opencontainers runtime-spec config.md, config-linux.md
import * as z from "zod";
import { unknownError } from "../../api/core/errors.js";
import { type LinuxResources, linuxResourcesSchema } from "./resources.js";

const MAX_ID = 0xffff_fffe;
const MAX_OOM_SCORE = 1000;
const id = z.number().int().min(0).max(MAX_ID);
// C ends a string there, so the process would get less than it was meant to.
const text = z.string().refine((value) => !value.includes("\0"), "a NUL in a string");
const names = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

const processSchema = z.looseObject({
  terminal: z.boolean().nullish(),
  consoleSize: z.looseObject({ height: z.number().int().min(0), width: z.number().int().min(0) }).nullish(),
  user: z
    .looseObject({
      uid: id.default(0),
      gid: id.default(0),
      umask: z.number().int().min(0).max(0o777).nullish(),
      additionalGids: z.array(id).nullish(),
    })
    .nullish(),
  args: z.array(text).nullish(),
  env: z.array(z.string()).nullish(),
  cwd: text.default(""),
  capabilities: z
    .looseObject({ bounding: names, inheritable: names, permitted: names, effective: names, ambient: names })
    .nullish(),
  rlimits: z.array(z.looseObject({ type: z.string(), soft: z.number().min(0), hard: z.number().min(0) })).nullish(),
  noNewPrivileges: z.boolean().nullish(),
  oomScoreAdj: z.number().int().min(-MAX_OOM_SCORE).max(MAX_OOM_SCORE).nullish(),
});

const specSchema = z.looseObject({
  process: processSchema.nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  linux: z.looseObject({ cgroupsPath: text.nullish(), resources: linuxResourcesSchema.nullish() }).nullish(),
});

export type OciProcess = z.infer<typeof processSchema>;
export type OciSpec = z.infer<typeof specSchema>;

/** Says where it is wrong, not what is there: it may be a secret. */
function parse<T>(schema: z.ZodType<T>, json: Uint8Array, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json).toString());
  } catch {
    throw unknownError(`${what} is not JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || what}: ${message}`);
  throw unknownError(`invalid ${what}: ${faults.join("; ")}`);
}

/** @throws unknown for what is no spec. */
export const parseSpec = (json: Uint8Array): OciSpec => parse(specSchema, json, "config.json");

/** @throws unknown for what is no process. */
export const parseProcess = (json: Uint8Array): OciProcess => parse(processSchema, json, "process");

/** @throws unknown for what are no resources. */
export const parseResources = (json: Uint8Array): LinuxResources => parse(linuxResourcesSchema, json, "resources");
