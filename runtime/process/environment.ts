// The environment of a process, exactly as its spec says. The shell that launches it passes plain variables on; what a shell or
// the loader would take for its own, or drop, is put in at the last moment by env(1).
import { unknownError } from "../../api/core/errors.js";
import { quote } from "../../api/core/quote.js";
import { findTool } from "./tools.js";

export type Environment = ReadonlyMap<string, string>;

/** The launcher's own variable. */
export const WORD_VARIABLE = "BERTH_LAUNCHER_WORD";

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What shells set themselves, obey, or make of their own. */
const SHELL_NAMES = new Set(["ENV", "IFS", "LINENO", "OLDPWD", "OPTIND", "PPID", "PS4", "PWD", WORD_VARIABLE]);
/** What the loader and the C library obey: it is meant for the program, not for what launches it. */
const LIBRARY_NAME =
  /^(LD_|MALLOC_|GCONV_PATH$|GETCONF_DIR$|GLIBC_TUNABLES$|HOSTALIASES$|LOCALDOMAIN$|LOCPATH$|NLSPATH$|RES_OPTIONS$|TZDIR$)/;

/**
 * `NAME=value` each; of a name that is there twice the last value counts, at the first one's place.
 * @throws unknown in the runtime's words.
 */
export function parseEnvironment(list: readonly string[]): Environment {
  const environment = new Map<string, string>();
  for (const entry of list) {
    const at = entry.indexOf("=");
    const name = entry.slice(0, at);
    if (at === -1) throw unknownError(`invalid environment variable: ${quote(entry)}`);
    if (at === 0) throw unknownError("environment variable name can't be empty");
    // The value may be a secret.
    if (entry.includes("\0")) throw unknownError(`environment variable ${quote(name)} can't contain null(\\x00)`);
    environment.set(name, entry.slice(at + 1));
  }
  return environment;
}

export interface SplitEnvironment {
  /** For the launcher to be born with. */
  readonly inherited: readonly string[];
  /** `NAME=value` for later; undefined when nothing is. */
  readonly late: readonly string[] | undefined;
}

/** `isPlainShell`: the shell passes plain variables on as they are. Any other gets none at all. */
export function splitEnvironment(environment: Environment, isPlainShell: boolean): SplitEnvironment {
  const inherited: string[] = [];
  const late: string[] = [];
  for (const [name, value] of environment) {
    const isPlain = PLAIN_NAME.test(name) && !SHELL_NAMES.has(name) && !LIBRARY_NAME.test(name);
    (isPlainShell && isPlain ? inherited : late).push(`${name}=${value}`);
  }
  return { inherited, late: late.length === 0 && isPlainShell ? undefined : late };
}

/**
 * What goes before a program so that it finds the late ones as well. A shell that is not plain adds variables of its own, which go.
 * @throws failed_precondition without env(1).
 */
export function environmentWords(program: string, split: SplitEnvironment, isPlainShell: boolean): string[] {
  if (split.late === undefined) return [];
  const words = [findTool("env"), ...(isPlainShell ? [] : ["-i"]), "--", ...split.late];
  // It would take such a program for one more variable.
  return program.includes("=") ? [...words, findTool("setpriv"), "--"] : words;
}
