// LXD itself: started on its folder, taken over where it runs already, started again when it dies.
import { setMaxListeners } from "node:events";
import { ContainerdError, errorKind, errorOf, failedPrecondition, isUnavailable } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import type { LxdServer } from "../../runtime/lxd/server.js";
import { getLxdInfo, isLxdReady } from "../../runtime/lxd/setup.js";
import { endDnsmasq } from "./left-over-dnsmasq.js";
import { networksDir } from "./lxd-database.js";
import { foundLxdProcess, type LxdCommand, type LxdProcess, startLxdProcess } from "./lxd-process.js";
import { supervise } from "./supervisor.js";
import type { Timers } from "./timers.js";

const POLL_MS = 500;
const LOOK_TIMEOUT_MS = 5_000;
const READY_MS = 120_000;
/** LXD gives its containers 9 s by our profile, and is ended by force when it takes much longer. */
const STOP_MS = 60_000;

export interface LxdEngineOptions extends LxdCommand {
  readonly lxd: LxdServer;
  readonly timers: Timers;
  readonly log: Logger;
}

interface Supervision {
  readonly over: AbortController;
  /** Why it was given up; undefined when that was wanted. */
  readonly end: Promise<string | undefined>;
}

/** Disposing it lets LXD go on, unwatched. */
export class LxdEngine implements Disposable {
  readonly #options: LxdEngineOptions;
  readonly #waiting = new Set<() => void>();
  #phase: "stopped" | "starting" | "started" = "stopped";
  #supervision: Supervision | undefined;
  /** The process of which is known last, once it is there. */
  #process: Promise<LxdProcess> | undefined;
  #isUp = false;
  /** Aborted when nobody looks at LXD any more. */
  readonly #watching = new AbortController();

  constructor(options: LxdEngineOptions) {
    this.#options = options;
  }

  /** Whether StartLxd has succeeded. LXD may be on its way back from a crash all the same. */
  isStarted(): boolean {
    return this.#phase === "started";
  }

  /** Gives the start to the caller, who says by `finish` how it ended. False when another is under way or has succeeded. */
  begin(): boolean {
    if (this.#phase !== "stopped") return false;
    this.#phase = "starting";
    return true;
  }

  finish(isStarted: boolean): void {
    // It may have been given up in the meantime.
    this.#phase = isStarted && this.#supervision !== undefined ? "started" : "stopped";
  }

  /** Resolves when LXD answers: at once while it does. @throws cancelled by the signal. */
  async whenUp(signal?: AbortSignal): Promise<void> {
    if (this.#isUp) return;
    await new Promise<void>((resolve, reject) => {
      const onUp = (): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.delete(onUp);
        reject(errorOf("cancelled", "waiting for LXD", signal?.reason));
      };
      this.#waiting.add(onUp);
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
    });
  }

  /** Whether some LXD answers on the folder. @throws when something answers that is none, or nothing in time. */
  async isThere(): Promise<boolean> {
    return (await this.#find()) !== undefined;
  }

  /**
   * Starts LXD, or takes over the one that runs on the folder, and keeps it running from then on. Resolves when it answers.
   * @throws unavailable with LXD's last words; deadline_exceeded after 2 minutes; cancelled by the signal.
   */
  async launch(signal: AbortSignal): Promise<void> {
    // After a start that failed once LXD ran.
    this.#supervision?.over.abort();
    const over = new AbortController();
    setMaxListeners(0, over.signal);
    const { timers, log } = this.#options;
    const end = supervise(
      {
        launch: () => this.#next(over.signal),
        timers,
        onFailure: (reason) => log.warn({ reason }, "lxd ended"),
      },
      over.signal,
    );
    const supervision = { over, end };
    this.#supervision = supervision;
    void end.then((reason) => {
      if (this.#supervision !== supervision) return;
      this.#supervision = undefined;
      if (this.#phase === "started") this.#phase = "stopped";
      if (reason !== undefined) log.error({ reason }, "lxd ends again and again, so it is left alone");
    });
    const gaveUp = end.then((reason) => {
      throw new ContainerdError("unavailable", reason ?? "it was stopped");
    });
    gaveUp.catch(() => undefined);
    const waiting = new AbortController();
    const giveUp = (): void => waiting.abort();
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    const late = timers.sleep(READY_MS, waiting.signal).then(() => {
      throw errorOf("deadline_exceeded", `LXD did not answer within ${READY_MS / 1000} s`);
    });
    late.catch(() => undefined);
    try {
      await Promise.race([this.whenUp(waiting.signal), gaveUp, late]);
    } catch (error) {
      if (errorKind(error) === "deadline_exceeded") await this.stop("SIGTERM");
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
      waiting.abort();
    }
  }

  /**
   * Ends LXD and waits for its end; by force when it takes longer than a minute.
   * @param how SIGPWR ends the containers before it, SIGTERM lets them go on.
   */
  async stop(how: "SIGTERM" | "SIGPWR"): Promise<void> {
    this.#leave();
    // One that is being started is started first.
    const process = await this.#process?.catch(() => undefined);
    if (process === undefined) return;
    process.signal(how);
    const timer = setTimeout(() => process.signal("SIGKILL"), STOP_MS);
    await process.ended;
    clearTimeout(timer);
    this.#process = undefined;
  }

  [Symbol.dispose](): void {
    this.#leave();
    this.#watching.abort();
  }

  /** It is not started again when it ends. */
  #leave(): void {
    this.#supervision?.over.abort();
    this.#supervision = undefined;
    this.#phase = "stopped";
  }

  /** The process that is there, or a new one. */
  async #next(signal: AbortSignal): Promise<LxdProcess> {
    const { timers } = this.#options;
    const finding = this.#find().then((pid) =>
      pid === undefined ? startOver(this.#options) : foundLxdProcess(pid, timers, this.#watching.signal),
    );
    this.#process = finding;
    const found = await finding;
    const ended = new AbortController();
    void found.ended.then(() => ended.abort());
    void this.#awaitReady(AbortSignal.any([signal, ended.signal, this.#watching.signal]));
    return {
      ...found,
      ended: found.ended.then((reason) => {
        this.#isUp = false;
        return reason;
      }),
    };
  }

  /** The pid of the LXD that answers. @throws when something answers that is none, or nothing in time. */
  async #find(): Promise<number | undefined> {
    try {
      const { environment } = await getLxdInfo(this.#options.lxd, { timeoutMs: LOOK_TIMEOUT_MS });
      const pid = environment.server_pid;
      // A signal to 0 would be one to this process and those around it.
      if (pid < 2) throw failedPrecondition(`an LXD of pid ${pid} runs on the folder`);
      return pid;
    } catch (error) {
      if (isUnavailable(error)) return undefined;
      throw error;
    }
  }

  async #awaitReady(signal: AbortSignal): Promise<void> {
    const { lxd, timers } = this.#options;
    try {
      while (!(await isLxdReady(lxd, { signal, timeoutMs: LOOK_TIMEOUT_MS }))) await timers.sleep(POLL_MS, signal);
    } catch {
      // It has ended, or nobody waits any more.
      return;
    }
    this.#isUp = true;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** What the one before it left running would keep its bridge from it. */
async function startOver(command: LxdCommand): Promise<LxdProcess> {
  await endDnsmasq(networksDir(command.lxdDir));
  return await startLxdProcess(command);
}
