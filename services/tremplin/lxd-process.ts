// The process of LXD: one that is started here, in a session of its own so that it outlives this one, or one that is found running.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { hasCode } from "../../runtime/sys/errno.js";
import type { Supervised } from "./supervisor.js";
import type { Timers } from "./timers.js";

const POLL_MS = 500;

export interface LxdProcess extends Supervised {
  readonly pid: number;
  /** Does nothing once it has ended. */
  signal(name: "SIGTERM" | "SIGPWR" | "SIGKILL"): void;
}

export interface LxdCommand {
  /** What starts LXD; the process that it makes is LXD's. */
  readonly command: readonly [string, ...string[]];
  readonly lxdDir: string;
  /** Gets what it writes; that of its predecessor is kept beside it. */
  readonly logFile: string;
}

/** Resolves when it runs, which does not mean that it answers. @throws when there is no such program. */
export async function startLxdProcess({ command, lxdDir, logFile }: LxdCommand): Promise<LxdProcess> {
  await mkdir(dirname(logFile), { recursive: true });
  await rename(logFile, `${logFile}.old`).catch((error: unknown) => {
    if (!hasCode(error, "ENOENT")) throw error;
  });
  const log = await open(logFile, "w", 0o640);
  try {
    const [file, ...args] = command;
    const child = spawn(file, args, {
      detached: true,
      cwd: "/",
      // A pipe to us would break with us.
      stdio: ["ignore", log.fd, log.fd],
      env: { ...process.env, LXD_DIR: lxdDir },
    });
    const exit = once(child, "exit");
    // An error before it has been spawned is this call's.
    exit.catch(() => undefined);
    await once(child, "spawn");
    child.unref();
    const ended = exit.then(async ([code, signal]) => {
      const how = signal === null ? `it exited with status ${code}` : `it was ended by ${signal}`;
      return (await lastWords(logFile)) ?? how;
    });
    return { pid: child.pid ?? 0, ended, signal: (name) => void child.kill(name) };
  } finally {
    await log.close();
  }
}

/** One that somebody else started: it is looked at now and then, until the signal says that nobody cares any more. */
export function foundLxdProcess(pid: number, timers: Pick<Timers, "sleep">, signal: AbortSignal): LxdProcess {
  const watch = async (): Promise<string> => {
    while (isAlive(pid)) await timers.sleep(POLL_MS, signal);
    return "it ended";
  };
  return {
    pid,
    ended: watch().catch(() => "it was left alone"),
    signal: (name) => {
      try {
        process.kill(pid, name);
      } catch (error) {
        if (!hasCode(error, "ESRCH")) throw error;
      }
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, "ESRCH");
  }
}

/** LXD says `Error: …` last when it cannot go on. */
async function lastWords(logFile: string): Promise<string | undefined> {
  const text = await readFile(logFile, "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => line.startsWith("Error: "));
  return lines.at(-1)?.slice("Error: ".length).trim();
}
