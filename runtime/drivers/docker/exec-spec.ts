// A process to be added to a container, as Docker's exec can run it. What belongs to the container and not to one process of it is
// taken for granted where it is what the container's own process has, and refused where it is not.
import * as z from "zod";
import { invalidArgument } from "../../../api/core/errors.js";
import type { Stdio } from "../../../api/core/task.js";
import { EXEC_DETACH_KEYS } from "../../docker/bridge/detach-keys.js";

/** What the engine is asked for. */
export const execCreateSchema = z.object({
  Cmd: z.array(z.string()),
  Env: z.array(z.string()).optional(),
  WorkingDir: z.string().optional(),
  User: z.string().optional(),
  Tty: z.boolean(),
  AttachStdin: z.boolean(),
  AttachStdout: z.boolean(),
  AttachStderr: z.boolean(),
  DetachKeys: z.string().optional(),
});

export type ExecCreate = z.infer<typeof execCreateSchema>;

/** Docker gives an exec what its container has of these. */
const CONTAINERS_OWN = [
  "capabilities",
  "rlimits",
  "noNewPrivileges",
  "apparmorProfile",
  "selinuxLabel",
  "oomScoreAdj",
  "scheduler",
  "ioPriority",
  "execCPUAffinity",
] as const;

const processSchema = z.looseObject({
  args: z.array(z.string()).min(1),
  env: z.array(z.string()).nullish(),
  cwd: z.string().nullish(),
  user: z
    .looseObject({
      uid: z.number().int().min(0).default(0),
      gid: z.number().int().min(0).default(0),
      umask: z.number().nullish(),
      additionalGids: z.array(z.number()).nullish(),
    })
    .nullish(),
});

type Process = z.infer<typeof processSchema>;

const containerSchema = z.looseObject({ process: z.looseObject({ user: z.looseObject({}).nullish() }).nullish() });

export interface ExecInput {
  /** The bytes of an OCI Process. */
  readonly process: Uint8Array;
  /** The bytes of the container's config.json. */
  readonly container: Uint8Array;
  readonly stdio: Stdio;
  /** Leave out what Docker cannot express. */
  readonly isLenient: boolean;
}

/** @throws invalid_argument for what is no process, and naming all that Docker cannot express. */
export function translateExec({ process, container, stdio, isLenient }: ExecInput): ExecCreate {
  const asked = parse(processSchema, process, "process");
  const own = parse(containerSchema, container, "spec").process ?? {};
  const refused = refusals(asked, own);
  if (refused.length > 0 && !isLenient) {
    throw invalidArgument(`an exec in a Docker container cannot have its own ${refused.join(", ")}`);
  }
  const { args, env, cwd, user } = asked;
  const hasText = [...args, ...(env ?? []), cwd ?? ""].some((text) => text.includes("\0"));
  // C ends a string there.
  if (hasText) throw invalidArgument("invalid process: a NUL in a string");
  const { stdin, terminal } = stdio;
  return {
    Cmd: args,
    ...(env != null && env.length > 0 && { Env: env }),
    ...(cwd != null && cwd !== "" && { WorkingDir: cwd }),
    ...(user != null && { User: `${user.uid}:${user.gid}` }),
    Tty: terminal,
    AttachStdin: stdin !== "",
    // What nobody attaches to is thrown away by the engine.
    AttachStdout: stdio.stdout !== "",
    AttachStderr: !terminal && stdio.stderr !== "",
    ...(terminal && { DetachKeys: EXEC_DETACH_KEYS }),
  };
}

function refusals(asked: Process, own: Record<string, unknown>): string[] {
  const names: string[] = CONTAINERS_OWN.filter((name) => !isSame(asked[name], own[name]));
  const ownUser: unknown = own["user"];
  const member = (name: string): unknown =>
    typeof ownUser === "object" && ownUser !== null
      ? new Map<string, unknown>(Object.entries(ownUser)).get(name)
      : null;
  for (const name of ["umask", "additionalGids"] as const) {
    if (!isSame(asked.user?.[name], member(name))) names.push(`user.${name}`);
  }
  return names.map((name) => `process.${name}`);
}

/** One that asks for nothing takes what there is. */
function isSame(asked: unknown, own: unknown): boolean {
  if (isNothing(asked)) return true;
  return canonical(asked) === canonical(own);
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === "") return true;
  return typeof value === "object" && Object.values(value).every(isNothing);
}

/** Members in order, those that ask for nothing left out. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    const members = Object.entries(part).filter(([, member]) => !isNothing(member));
    return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function parse<T>(schema: z.ZodType<T>, json: Uint8Array, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json).toString());
  } catch {
    // The parser's words quote the document, which may hold secrets.
    throw invalidArgument(`${what} is not JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || what}: ${message}`);
  throw invalidArgument(`invalid ${what}: ${faults.join("; ")}`);
}
