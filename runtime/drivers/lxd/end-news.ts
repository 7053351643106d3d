// What LXD's events have told of the end of an instance's run, for whoever wants to know how it ended: the word may come before or
// after the end is seen.

/**
 * `shutdown`: init has ended, asked or not, or restarts. `stopped`: it was ended by force. `restarted`: it was no end, the instance runs
 * again.
 */
export type EndWord = "shutdown" | "stopped" | "restarted";

const WORDS: Readonly<Record<string, EndWord>> = {
  "instance-shutdown": "shutdown",
  "instance-stopped": "stopped",
  "instance-restarted": "restarted",
};

/** undefined for events that are about something else. */
export const endWordOf = (action: string): EndWord | undefined =>
  Object.hasOwn(WORDS, action) ? WORDS[action] : undefined;

export class EndNews {
  #word: EndWord | undefined;
  readonly #wake = new Set<() => void>();

  /** The last one. */
  get word(): EndWord | undefined {
    return this.#word;
  }

  tell(word: EndWord): void {
    this.#word = word;
    for (const wake of this.#wake) wake();
  }

  /** It runs: what was told is of an earlier run. */
  clear(): void {
    this.#word = undefined;
  }

  /** Resolves when the last word is one of these, or with what was told last when the time is over. */
  async wait(words: readonly EndWord[], timeoutMs: number): Promise<EndWord | undefined> {
    const isEnough = (): boolean => this.#word !== undefined && words.includes(this.#word);
    if (!isEnough()) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#wake.delete(look);
          resolve();
        };
        const look = (): void => {
          if (isEnough()) done();
        };
        const timer = setTimeout(done, timeoutMs);
        timer.unref();
        this.#wake.add(look);
      });
    }
    return this.#word;
  }
}
