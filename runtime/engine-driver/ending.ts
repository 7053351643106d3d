// The end of a process that several wait for, each for as long as it likes.
import { ContainerdError, ERROR_CLASSES, errorKind } from "../../api/core/errors.js";
import type { ProcessExit } from "../../api/core/task.js";

export class Ending {
  readonly #settled: Promise<ProcessExit>;
  #settle: (exit: ProcessExit) => void = () => {};

  constructor() {
    this.#settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** The first word counts. */
  settle(exit: ProcessExit): void {
    this.#settle(exit);
  }

  /** @throws cancelled or deadline_exceeded when the signal comes first. */
  async wait(signal: AbortSignal | undefined): Promise<ProcessExit> {
    return await unlessAborted(this.#settled, signal);
  }
}

/** What is under way goes on; only the waiting ends. @throws cancelled or deadline_exceeded. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      const kind = errorKind(signal.reason) === "deadline_exceeded" ? "deadline_exceeded" : "cancelled";
      reject(new ContainerdError(kind, ERROR_CLASSES[kind], { cause: signal.reason }));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    work.catch(() => {});
  }
}
