// A command in a running container: what it prints line by line, how it ends, and its end when nobody wants it any more.
import { setTimeout as delay } from "node:timers/promises";
import { errorKind, errorOf } from "../../api/core/errors.js";
import { type LxdExec, startExec } from "../../runtime/lxd/exec.js";
import type { LxdServer } from "../../runtime/lxd/server.js";
import { linesOf } from "./lines.js";

/** How many of the last lines a result keeps. */
const KEPT_LINES = 200;
/** How a command is ended, and what it may take: by itself at first, and then LXD to tell that it is gone. */
const ENDINGS = [
  { killer: "TERM", waitMs: 3_000 },
  { killer: "KILL", waitMs: 30_000 },
] as const;

/**
 * Tells its number, and becomes the command as the leader of a group: what that starts can be ended with it. LXD's processes have no
 * group that could be named from inside.
 */
const START = `echo "$$"
if command -v setsid >/dev/null 2>&1; then exec setsid "$@" 2>&1; fi
exec "$@" 2>&1`;
const END = `kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2"`;

export interface InsideOptions {
  /** Of stdout and stderr alike; no more is read while it is at work. */
  readonly onLine?: (line: string) => void | Promise<void>;
  /** Ends the command with whatever it has started. */
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
}

export interface InsideResult {
  /** 128 and a signal's number after a signal, 126 and 127 where the command cannot be run or is not there. */
  readonly code: number;
  /** The last {@link KEPT_LINES} of them. */
  readonly lines: readonly string[];
}

/**
 * Runs a command as root with an empty input, to its end.
 * @throws not_found; failed_precondition for a container that does not run; cancelled when it was ended; deadline_exceeded when it
 * should have been, and goes on all the same.
 */
export async function runInside(
  lxd: LxdServer,
  name: string,
  command: readonly [string, ...string[]],
  { onLine, signal, env = {} }: InsideOptions = {},
): Promise<InsideResult> {
  const cancelled = (): Error => errorOf("cancelled", `${command[0]} in container ${name}`);
  if (signal?.aborted === true) throw cancelled();
  using exec = await startExec(lxd, name, { command: ["sh", "-c", START, "sh", ...command], env });
  let pid: string | undefined;
  const lines: string[] = [];
  const follow = async (): Promise<number> => {
    for await (const line of linesOf(exec.stdout)) {
      if (pid === undefined) {
        pid = line;
        continue;
      }
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      await onLine?.(line);
    }
    return await exec.exit;
  };
  const over = follow();
  // Whoever waits below is told; nobody does any more once it was given up.
  over.catch(() => undefined);
  await exec.endInput().catch(() => undefined);
  const code = await Promise.race([over, whenAborted(signal)]);
  if (code !== undefined) return { code, lines };
  for (const { killer, waitMs } of ENDINGS) {
    await endGroup(lxd, name, exec, pid, killer);
    const isOver = over.then(
      () => true,
      () => true,
    );
    if (await Promise.race([isOver, delay(waitMs, false, { ref: false })])) throw cancelled();
  }
  throw errorOf("deadline_exceeded", `the end of ${command[0]} in container ${name}`);
}

/** Undefined once the signal aborts. */
function whenAborted(signal: AbortSignal | undefined): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve(undefined);
    signal?.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

async function endGroup(
  lxd: LxdServer,
  name: string,
  exec: LxdExec,
  pid: string | undefined,
  killer: "TERM" | "KILL",
): Promise<void> {
  try {
    // It has not even said who it is.
    if (pid === undefined) return await exec.kill(killer === "TERM" ? 15 : 9);
    using kill = await startExec(lxd, name, { command: ["sh", "-c", END, "sh", killer, pid] });
    await kill.exit;
  } catch (error) {
    // Over already, or the container is.
    if (!["unavailable", "failed_precondition", "not_found"].includes(errorKind(error))) throw error;
  }
}
