// The process that an exec adds to a container.
// @source containerd cmd/ctr/commands/tasks/exec.go
import { invalidArgument } from "../../core/errors.js";
import { mergeEnv } from "./create-spec.js";
import type { User } from "./oci.js";
import { lookUpUser } from "./user.js";

/** The container's own process, as its spec describes it; what is not named here is kept. */
export interface InheritedProcess {
  readonly terminal?: boolean | undefined;
  /** undefined: the runtime's choice. */
  readonly user?: User | undefined;
  readonly args: readonly string[];
  readonly env?: readonly string[] | undefined;
  /** undefined: the runtime's choice. */
  readonly cwd?: string | undefined;
}

/** What of a process that is added to a container differs from the container's own. */
export interface ExecProcessOptions {
  /** The program and its arguments. */
  readonly args: readonly string[];
  /** Whether this one has a terminal; the container's does not count. */
  readonly terminal: boolean;
  /** Absolute, in the container. Default: the container's. */
  readonly cwd?: string | undefined;
  /** Put on the container's: `KEY=value`, or `KEY` alone to remove it. Default: nothing. */
  readonly env?: readonly string[] | undefined;
  /** `name`, `uid`, `name:group`, `uid:gid`, looked up in the container's root filesystem. Default: the container's. */
  readonly user?: string | undefined;
}

/**
 * The container's process with other arguments.
 * @throws invalid_argument if the spec has no process, not_found for a user that the root filesystem does not know.
 */
export function execProcess(
  spec: { readonly process?: InheritedProcess | undefined; readonly root?: { readonly path: string } | undefined },
  options: ExecProcessOptions,
): InheritedProcess {
  if (spec.process === undefined) throw invalidArgument("the container's spec has no process to take over");
  const { terminal: _, ...inherited } = spec.process;
  const { terminal, args, env = [], cwd, user } = options;
  return {
    ...inherited,
    ...(terminal ? { terminal } : {}),
    args: [...args],
    ...(env.length === 0 ? {} : { env: mergeEnv(inherited.env ?? [], env) }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(user === undefined ? {} : { user: lookUpUser(spec.root?.path ?? "", user) }),
  };
}
