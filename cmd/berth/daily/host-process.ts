// Processes of this host as the kernel shows them in /proc: what ps, stats and top know beyond what the daemon tells.
import { readFile } from "node:fs/promises";
import { uptime } from "node:os";

/** The unit of times in /proc, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const NS_PER_TICK = 1_000_000_000n / BigInt(TICKS_PER_SECOND);
const BYTES_PER_KB = 1024;

/** One process at one moment. */
export interface HostProcess {
  readonly pid: number;
  /** As the innermost pid namespace counts it. */
  readonly innerPid: number;
  readonly parentPid: number;
  readonly uid: number;
  /** The kernel's letter: R, S, D, Z, T, …. */
  readonly state: string;
  readonly threads: number;
  /** Nanoseconds of CPU time since it was started. */
  readonly cpuNs: bigint;
  readonly residentBytes: number;
  /** Milliseconds since 1970, right to about a hundredth of a second. */
  readonly startedAtMs: number;
  /** Program and arguments; of a kernel's or ended process its name in brackets. One line, nothing that a terminal would obey. */
  readonly command: string;
}

/** undefined when there is none of that pid, or /proc does not show it to this user. */
export async function readHostProcess(pid: number): Promise<HostProcess | undefined> {
  try {
    const [stat, status, line] = await Promise.all(
      ["stat", "status", "cmdline"].map((name) => readFile(`/proc/${pid}/${name}`, "utf8")),
    );
    return parseHostProcess(pid, stat ?? "", status ?? "", line ?? "", Date.now() - uptime() * 1000);
  } catch {
    return undefined;
  }
}

/** What the three files say; `bootMs`: when the host was started. undefined for text that is not theirs. */
export function parseHostProcess(
  pid: number,
  stat: string,
  status: string,
  commandLine: string,
  bootMs: number,
): HostProcess | undefined {
  // The name stands in parentheses and may hold some itself.
  const open = stat.indexOf("(");
  const close = stat.lastIndexOf(")");
  const fields = stat.slice(close + 2).split(" ");
  if (open < 0 || close < 0 || fields.length < 20) return undefined;
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  const line = (name: string): readonly string[] =>
    (new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1] ?? "").trim().split(/\s+/);
  const words = commandLine.replace(/\0+$/, "").replaceAll("\0", " ");
  return {
    pid,
    innerPid: Number(line("NSpid").at(-1) || pid),
    parentPid: field(4),
    uid: Number(line("Uid")[0] ?? 0),
    state: fields[0] ?? "?",
    threads: field(20),
    cpuNs: BigInt(field(14) + field(15)) * NS_PER_TICK,
    residentBytes: Number(line("VmRSS")[0] || 0) * BYTES_PER_KB,
    startedAtMs: bootMs + (field(22) / TICKS_PER_SECOND) * 1000,
    command: printable(words === "" ? `[${stat.slice(open + 1, close)}]` : words),
  };
}

/** Control characters are shown as what they are, and not obeyed. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
