// The parts of an OCI spec that a Docker container can be made from. Whatever else a spec asks for is found by its name.
// @source opencontainers runtime-spec config.md, config-linux.md
import * as z from "zod";
import { invalidArgument } from "../../../../api/core/errors.js";
import { linuxResourcesSchema } from "./resources-schema.js";

const MAX_ID = 0xffff_fffe;
const MAX_OOM_SCORE = 1000;
const MAX_UMASK = 0o777;
const id = z.number().int().min(0).max(MAX_ID);
// C ends a string there, so the container would get less than it was meant to.
const text = z.string().refine((value) => !value.includes("\0"), "a NUL in a string");
const strings = z
  .array(text)
  .nullish()
  .transform((list) => list ?? []);

const processSchema = z.object({
  terminal: z.boolean().nullish(),
  consoleSize: z.object({ height: z.number().int().min(0), width: z.number().int().min(0) }).nullish(),
  user: z
    .object({
      uid: id.default(0),
      gid: id.default(0),
      umask: z.number().int().min(0).max(MAX_UMASK).nullish(),
      additionalGids: z.array(id).nullish(),
    })
    .nullish(),
  args: strings,
  env: strings,
  cwd: text.nullish(),
  capabilities: z.object({ bounding: strings, effective: strings, permitted: strings, inheritable: strings }).nullish(),
  rlimits: z.array(z.object({ type: z.string(), soft: z.number().min(0), hard: z.number().min(0) })).nullish(),
  noNewPrivileges: z.boolean().nullish(),
  oomScoreAdj: z.number().int().min(-MAX_OOM_SCORE).max(MAX_OOM_SCORE).nullish(),
  apparmorProfile: text.nullish(),
  selinuxLabel: text.nullish(),
});

const mountSchema = z.object({
  destination: text,
  type: text.nullish(),
  source: text.nullish(),
  options: strings,
});

const deviceSchema = z.object({
  path: text,
  type: z.string(),
  major: z.number().int().nullish(),
  minor: z.number().int().nullish(),
  fileMode: z.number().int().nullish(),
  uid: id.nullish(),
  gid: id.nullish(),
});

const linuxSchema = z.object({
  namespaces: z.array(z.object({ type: z.string(), path: text.nullish() })).nullish(),
  devices: z.array(deviceSchema).nullish(),
  cgroupsPath: text.nullish(),
  resources: linuxResourcesSchema.nullish(),
  sysctl: z.record(z.string(), text).nullish(),
  maskedPaths: z.array(text).nullish(),
  readonlyPaths: z.array(text).nullish(),
  rootfsPropagation: z.string().nullish(),
  /** Docker reads the same document. */
  seccomp: z.looseObject({}).nullish(),
});

const specSchema = z.object({
  ociVersion: z.string().nullish(),
  process: processSchema.nullish(),
  root: z.object({ path: text.nullish(), readonly: z.boolean().nullish() }).nullish(),
  hostname: text.nullish(),
  domainname: text.nullish(),
  mounts: z.array(mountSchema).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  linux: linuxSchema.nullish(),
});

export type OciSpec = z.infer<typeof specSchema>;
export type OciProcess = z.infer<typeof processSchema>;
export type OciMount = z.infer<typeof mountSchema>;
export type OciDevice = z.infer<typeof deviceSchema>;

/** A document as far as it is known here, and the names of all other members that ask for something. */
export interface Known<T> {
  readonly known: T;
  readonly others: readonly string[];
}

/** @throws invalid_argument for what is no spec; it says where it is wrong, not what is there: that may be a secret. */
export const parseSpec = (json: Uint8Array): Known<OciSpec> => parse(specSchema, json, "spec");

/** @throws invalid_argument for what are no resources. */
export const parseResources = (json: Uint8Array): Known<z.infer<typeof linuxResourcesSchema>> =>
  parse(linuxResourcesSchema, json, "resources");

function parse<T>(schema: z.ZodType<T>, json: Uint8Array, what: string): Known<T> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json).toString());
  } catch {
    throw invalidArgument(`${what} is not JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { known: parsed.data, others: missing("", value, parsed.data) };
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || what}: ${message}`);
  throw invalidArgument(`invalid ${what}: ${faults.join("; ")}`);
}

/** Asks for nothing. */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === "" || value === 0) return true;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}

/** Paths of the members that the schema left out, as far as they ask for something. */
function missing(path: string, given: unknown, known: unknown): string[] {
  if (typeof given !== "object" || given === null) return [];
  const kept = new Map<string, unknown>(typeof known === "object" && known !== null ? Object.entries(known) : []);
  return Object.entries(given).flatMap(([name, value]) => {
    const member = Array.isArray(given) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
    if (kept.has(name)) return missing(member, value, kept.get(name));
    return isEmpty(value) ? [] : [member];
  });
}
