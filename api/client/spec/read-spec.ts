// The OCI spec of a container's record, as far as commands look into it. Checked by hand: a schema library would be half of what
// this program loads at each start.

import type { Container } from "../../core/container.js";
import { invalidArgument, wrapError } from "../../core/errors.js";
import type { InheritedProcess } from "./exec-process.js";
import type { User } from "./oci.js";

export interface KnownSpec {
  readonly process?: InheritedProcess | undefined;
  readonly root?: { readonly path: string } | undefined;
}

/** Members that this program does not know are kept. @throws invalid_argument when it is not an OCI spec. */
export function readSpec(container: Container): KnownSpec {
  try {
    return specOf(JSON.parse(container.spec.value.toString()));
  } catch (error) {
    throw wrapError(`spec of container ${container.id}`, invalidArgument("it is no OCI runtime spec", error));
  }
}

function specOf(value: unknown): KnownSpec {
  const spec = members(value);
  return {
    ...spec,
    process: spec["process"] === undefined ? undefined : processOf(members(spec["process"])),
    root: spec["root"] === undefined ? undefined : rootOf(members(spec["root"])),
  };
}

function rootOf(root: Members): KnownSpec["root"] {
  return { ...root, path: checked(root["path"], isString) };
}

function processOf(process: Members): InheritedProcess {
  const { terminal, env } = process;
  return {
    ...process,
    ...(terminal === undefined ? {} : { terminal: checked(terminal, isBoolean) }),
    ...(process["user"] === undefined ? {} : { user: userOf(members(process["user"])) }),
    args: process["args"] === undefined ? [] : checked(process["args"], isStrings),
    ...(env === undefined ? {} : { env: checked(env, isStrings) }),
    ...(process["cwd"] === undefined ? {} : { cwd: checked(process["cwd"], isString) }),
  };
}

function userOf(user: Members): User {
  return { ...user, uid: checked(user["uid"], isNumber), gid: checked(user["gid"], isNumber) };
}

type Members = Readonly<Record<string, unknown>>;

const isString = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number";
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every(isString);
const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function members(value: unknown): Members {
  return checked(value, isMembers);
}

function checked<T>(value: unknown, is: (value: unknown) => value is T): T {
  if (!is(value)) throw new TypeError(`unexpected ${JSON.stringify(value) ?? "absence"}`);
  return value;
}
