// Work in small steps that is looked for now and then: steps follow each other, with a turn of the event loop between them, until there is
// nothing to do.

export interface StepLoopOptions {
  /** One short piece of work. Resolves with whether there may be more. */
  readonly step: () => Promise<boolean>;
  /** Time between looks, in milliseconds. */
  readonly intervalMs: number;
  /** Asked at each look whether this is a time for it. Default: always. */
  readonly isTime?: () => boolean;
  /** Told of a step that failed at a look; the next look tries again. */
  readonly onFailure: (error: unknown) => void;
}

/** Does not keep the process alive. Disposing resolves when no step is under way. */
export class StepLoop implements AsyncDisposable {
  readonly #options: StepLoopOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: StepLoopOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), options.intervalMs).unref();
  }

  /** Steps at once, until there is nothing to do or this is disposed. @throws what a step throws. */
  async run(): Promise<void> {
    while (!this.#closed && (await this.#options.step())) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #tick(): void {
    const { isTime, onFailure } = this.#options;
    if (isTime?.() === false || this.#running !== undefined || this.#closed) return;
    this.#running = this.run()
      .catch(onFailure)
      .finally(() => {
        this.#running = undefined;
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#running;
  }
}
