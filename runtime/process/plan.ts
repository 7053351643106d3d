// What a process will be, looked up and checked before anything is made of it.
import { isAbsolute } from "node:path";
import { unknownError, wrapError } from "../../api/core/errors.js";
import { parseEnvironment } from "./environment.js";
import type { LaunchRequest } from "./launcher.js";
import { checkLimits, limitWords } from "./limits.js";
import { privilegesOf } from "./privileges.js";
import { checkFolder, checkProgram, type Identity } from "./program.js";
import type { OciProcess } from "./spec.js";

const DEFAULT_UMASK = 0o022;

export interface ProcessPlan {
  readonly identity: Identity;
  readonly launch: Omit<LaunchRequest, "descriptors" | "terminalPath">;
}

/** @throws unknown in the runtime's words; permission_denied, invalid_argument, failed_precondition for rights. */
export function planProcess(process: OciProcess): ProcessPlan {
  const { args, cwd, env, user } = process;
  const [program] = args ?? [];
  if (args == null || program === undefined) throw unknownError("args must not be empty");
  if (cwd === "") throw unknownError("Cwd property must not be empty");
  if (!isAbsolute(cwd)) throw unknownError("Cwd must be an absolute path");
  checkLimits(process);
  const { identity, words } = privilegesOf(process);
  const environment = during("error during container init", () => parseEnvironment(env ?? []));
  during("error during container init", () => checkFolder(cwd));
  during("", () => checkProgram(program, environment, cwd, identity));
  return {
    identity,
    launch: {
      args,
      cwd,
      environment,
      umask: user?.umask ?? DEFAULT_UMASK,
      changes: [...limitWords(process), ...words],
    },
  };
}

/** What a runtime says when a process cannot be started. */
export function startFailure(error: unknown): Error {
  return wrapError("unable to start container process", error);
}

function during<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw startFailure(what === "" ? error : wrapError(what, error));
  }
}
