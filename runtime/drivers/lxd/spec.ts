// What of a container's OCI spec counts for a system container: what it may use, and the environment of its processes. LXD itself says
// what it is confined by, and its image what it runs.
import * as z from "zod";
import { invalidArgument } from "../../../api/core/errors.js";
import { limitSettings, linuxResourcesSchema } from "./limits.js";

const specSchema = z.looseObject({
  process: z.looseObject({ env: z.array(z.string()).nullish() }).nullish(),
  linux: z.looseObject({ resources: linuxResourcesSchema.nullish() }).nullish(),
});

/** Clients of containerd put these into every spec. LXD has defaults of its own. */
const EVERYBODYS: ReadonlySet<string> = new Set([
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  "TERM=xterm",
]);

/** Settings of LXD's. @throws invalid_argument for what is no spec, and naming the limits that LXD has no setting for. */
export function settingsOfSpec(json: Uint8Array): Record<string, string> {
  const { process, linux } = parseJson(specSchema, json, "spec");
  const env = (process?.env ?? []).filter((entry) => !EVERYBODYS.has(entry)).map(toVariable);
  const resources = linux?.resources == null ? {} : limitSettings(linux.resources, "make");
  return { ...resources, ...Object.fromEntries(env.map(([name, value]) => [`environment.${name}`, value])) };
}

/** `NAME=value`; a name alone is an empty one. */
export function toVariable(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** @throws invalid_argument, without the document's words, which may be secrets. */
export function parseJson<T>(schema: z.ZodType<T>, json: Uint8Array, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json).toString());
  } catch {
    throw invalidArgument(`${what} is not JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || what}: ${message}`);
  throw invalidArgument(`invalid ${what}: ${faults.join("; ")}`);
}
