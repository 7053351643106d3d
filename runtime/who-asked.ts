// Who asks for the end of a process: the caller's credentials, as the kernel told them, and its program, while that can still be read.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { PeerCredentials } from "../api/core/context.js";
import type { ExitRequest } from "../api/core/exit-record.js";

/** Programs that run others' text: the script's name says more. */
const INTERPRETERS = /^(?:node|nodejs|bun|deno|python[\d.]*|perl|ruby|sh|bash|dash|tsx)$/;
/** Their flags that take a file of their own. */
const LOADING_FLAGS = new Set(["--import", "--require", "-r", "--loader", "--experimental-loader", "--env-file", "-m"]);
const COMMON_NAMES = new Set(["main", "index", "cli", "dist", "build", "lib", "src"]);
/** Clients whose verbs are worth knowing; what else stands on a command line is nobody's business. */
const CLIENTS = new Set(["berth", "ctr", "nerdctl", "crictl"]);
/** Their flags before the verb that take a value. */
const VALUED_FLAGS = new Set(["-a", "--address", "-n", "--namespace", "--timeout", "--connect-timeout", "--format"]);
/** Words that a verb follows. */
const NOUNS = new Set(["tasks", "task", "t", "containers", "container", "c"]);
/** Are no request to end: nothing, CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH. */
const HARMLESS = new Set([0, 17, 18, 19, 20, 21, 22, 23, 28]);

/** undefined for a signal that ends nothing. */
export function exitRequest(
  peer: PeerCredentials | undefined,
  signal: number,
  timeNs: bigint,
): ExitRequest | undefined {
  if (HARMLESS.has(signal)) return undefined;
  const { pid = 0, uid = 0, gid = 0 } = peer ?? {};
  const isOurs = pid === process.pid || peer === undefined;
  return { timeNs, signal, pid: isOurs ? 0 : pid, uid, gid, by: isOurs ? nameOf(process.argv) : programOf(pid) };
}

/** "" when it has ended, or runs where we cannot see it. */
function programOf(pid: number): string {
  try {
    return nameOf(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"));
  } catch {
    return "";
  }
}

/** `berth stop` of `/usr/bin/node /usr/bin/berth -n web stop a`. */
export function nameOf(argv: readonly string[]): string {
  const script = INTERPRETERS.test(basename(argv[0] ?? "")) ? firstArgument(argv) : 0;
  const name = plainName(argv[script]);
  return CLIENTS.has(name) ? [name, ...verbsOf(argv.slice(script + 1))].join(" ") : name;
}

/** The script of an interpreter; its own name without one. */
function firstArgument(argv: readonly string[]): number {
  for (let at = 1; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    if (LOADING_FLAGS.has(word)) at += 1;
    else if (word !== "" && !word.startsWith("-")) return at;
  }
  return 0;
}

/** A file that is called as everybody's goes by the name of its folder. */
function plainName(path = ""): string {
  const names = path.replace(/\.[cm]?[jt]s$/, "").split("/");
  return names.findLast((name) => /\w/.test(name) && !COMMON_NAMES.has(name)) ?? basename(path);
}

function verbsOf(words: readonly string[]): string[] {
  const verbs: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (VALUED_FLAGS.has(word)) at += 1;
    else if (!word.startsWith("-")) {
      if (/^[a-z]{1,20}$/.test(word)) verbs.push(word);
      if (!NOUNS.has(word)) break;
    }
  }
  return verbs;
}
