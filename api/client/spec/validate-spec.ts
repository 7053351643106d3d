// What is wrong with an OCI spec, all of it: against the specification, and against the runtime that is to keep it.
import { type HostSpec, hostSpecRefusals } from "../../core/host-spec.js";
import { PROCESS_RUNTIME } from "../run/container-parts.js";
import { runtimeSpecSchema } from "./runtime-spec-schema.js";

/** Something about a spec. */
export interface SpecFinding {
  /** `error`: no task can be made of it. `warning`: a runtime passes over it. */
  readonly level: "error" | "warning";
  /** Where: `process.args`, `mounts.3.destination`; "" for all of it. */
  readonly path: string;
  readonly message: string;
}

export interface ValidateSpecOptions {
  /** Whose refusals count, too. Default: those of none. */
  readonly runtime?: string | undefined;
  /** The options of the process runtime say that isolation may be left out. Default: false. */
  readonly ignoresIsolation?: boolean | undefined;
}

/** All that is wrong, errors first. Values are not told: they may be secrets. Nothing for a spec that can be used as it is. */
export function validateSpec(json: string, { runtime, ignoresIsolation }: ValidateSpecOptions = {}): SpecFinding[] {
  let spec: unknown;
  try {
    spec = JSON.parse(json);
  } catch (error) {
    return [
      { level: "error", path: "", message: `not JSON: ${error instanceof Error ? error.message : String(error)}` },
    ];
  }
  const { error } = runtimeSpecSchema.safeParse(spec);
  const findings = (error?.issues ?? []).flatMap((issue): SpecFinding[] => {
    const path = issue.path.join(".");
    if (issue.code !== "unrecognized_keys") return [{ level: "error", path, message: issue.message }];
    return issue.keys.map((key) => ({
      level: "warning",
      path: path === "" ? key : `${path}.${key}`,
      message: "not a member of the specification",
    }));
  });
  if (isMembers(spec)) findings.push(...semantics(spec, runtime));
  if (runtime === PROCESS_RUNTIME && ignoresIsolation !== true && isMembers(spec)) {
    const asked = hostSpecRefusals(toHostSpec(spec));
    findings.push(
      ...asked.map((path): SpecFinding => ({ level: "error", path, message: "no process of the host can have it" })),
    );
  }
  return findings.sort((a, b) => Number(a.level === "warning") - Number(b.level === "warning"));
}

/** What no schema says: members that need each other. */
function semantics(spec: Members, runtime: string | undefined): SpecFinding[] {
  const findings: SpecFinding[] = [];
  const found = (path: string, message: string): void => void findings.push({ level: "error", path, message });
  if (spec["process"] === undefined || spec["process"] === null) found("process", "missing: there is nothing to run");
  const isContainer = runtime === undefined || !runtime.startsWith("io.berth.");
  const linux = isMembers(spec["linux"]) ? spec["linux"] : {};
  const namespaces = Array.isArray(linux["namespaces"]) ? linux["namespaces"] : [];
  const has = (type: string): boolean => namespaces.some((one: unknown) => isMembers(one) && one["type"] === type);
  if (isContainer) {
    if (spec["root"] === undefined || spec["root"] === null)
      found("root", "missing: a container has a root file system");
    if (isText(spec["hostname"]) && !has("uts")) found("hostname", "needs a uts namespace of its own");
    if (!isEmpty(linux["sysctl"]) && !has("ipc") && !has("network")) {
      found("linux.sysctl", "needs an ipc or network namespace of its own");
    }
  }
  for (const member of ["uidMappings", "gidMappings"]) {
    if (!isEmpty(linux[member]) && !has("user")) found(`linux.${member}`, "needs a user namespace");
  }
  return findings;
}

type Members = Readonly<Record<string, unknown>>;
const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);

function toHostSpec(spec: Members): HostSpec {
  const linux = isMembers(spec["linux"]) ? spec["linux"] : {};
  const resources = isMembers(linux["resources"]) ? linux["resources"] : {};
  const process = isMembers(spec["process"]) ? spec["process"] : undefined;
  return { ...spec, process, linux: { ...linux, resources } };
}
