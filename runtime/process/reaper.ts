// Takes note of the end of processes: of those that were made here, and of those that they left behind and that became ours.
import { readdirSync, readFileSync } from "node:fs";
import type { Logger } from "../../api/core/log.js";
import { becomeSubreaper, reapChild } from "../sys/child.js";
import { readStat } from "./session.js";

/**
 * Node reaps the children of `node:child_process` itself, as soon as it hears of their end. So who has ended and is still there
 * this much later is nobody's but ours.
 */
const ORPHAN_DELAY_MS = 100;
/** Any long time. */
const HOLD_MS = 2 ** 30;

/** Called with the exit code, or 128 + the signal's number. */
type Ended = (exitStatus: number) => void;

export class Reaper implements Disposable {
  readonly #log: Logger;
  readonly #children = new Map<number, Ended>();
  #suspects = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #hold: NodeJS.Timeout | undefined;

  /** From now on the orphans among our descendants are our children. */
  constructor(log: Logger) {
    this.#log = log;
    becomeSubreaper();
    process.on("SIGCHLD", this.#onSignal);
  }

  /** Called in the turn in which the child was made, so that its end is not missed. */
  watch(pid: number, ended: Ended): void {
    this.#children.set(pid, ended);
    this.#holdOn();
  }

  /** Signals do not keep a program running, but there is something to wait for as long as there are children. */
  #holdOn(): void {
    if (this.#children.size > 0) this.#hold ??= setInterval(() => {}, HOLD_MS);
    else {
      clearInterval(this.#hold);
      this.#hold = undefined;
    }
  }

  readonly #onSignal = (): void => {
    // One signal may stand for many.
    for (const [pid, ended] of this.#children) {
      const exitStatus = reapChild(pid);
      if (exitStatus === undefined) continue;
      this.#children.delete(pid);
      ended(exitStatus);
    }
    this.#holdOn();
    this.#lookForOrphans();
  };

  #lookForOrphans(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#reapOrphans();
    }, ORPHAN_DELAY_MS).unref();
  }

  #reapOrphans(): void {
    const dead = zombies((pid) => !this.#children.has(pid));
    const suspects = new Set<string>();
    for (const { pid, startTicks } of dead) {
      const name = `${pid} ${startTicks}`;
      if (this.#suspects.has(name)) {
        reapChild(pid);
        this.#log.debug({ pid }, "reaped an orphan");
      } else suspects.add(name);
    }
    this.#suspects = suspects;
    if (suspects.size > 0) this.#lookForOrphans();
  }

  [Symbol.dispose](): void {
    process.off("SIGCHLD", this.#onSignal);
    clearTimeout(this.#timer);
    clearInterval(this.#hold);
  }
}

function childPids(): number[] {
  const numbers = (names: readonly string[]): number[] => names.filter((name) => /^\d+$/.test(name)).map(Number);
  try {
    return readdirSync("/proc/self/task").flatMap((thread) =>
      numbers(readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ")),
    );
  } catch {
    // A thread has just ended, or the kernel does not keep such lists.
    return numbers(readdirSync("/proc")).filter((pid) => readStat(pid)?.parent === process.pid);
  }
}

/** Children of this process, whichever of its threads they are counted with, that have ended and have not been reaped. */
function zombies(counts: (pid: number) => boolean): { readonly pid: number; readonly startTicks: string }[] {
  return childPids()
    .filter(counts)
    .flatMap((pid) => {
      const stat = readStat(pid);
      return stat?.state === "Z" ? [{ pid, startTicks: stat.startTicks }] : [];
    });
}
