// Upgrades that go on: one for a container at a time, which somebody may end.

/** How an upgrade came to its end: by itself, or because it was asked to; or it was asked to, and goes on all the same. */
export type UpgradeEnd = "ended" | "cancelled" | "unstoppable";

export class Upgrade {
  readonly #stop = new AbortController();
  #end: (end: UpgradeEnd) => void = () => {};
  /** Resolves after the listener was told. */
  readonly over = new Promise<UpgradeEnd>((resolve) => {
    this.#end = resolve;
  });

  /** Aborted when it is to end. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  cancel(): void {
    this.#stop.abort();
  }

  settle(end: UpgradeEnd): void {
    this.#end(end);
  }
}

export class Upgrades {
  readonly #byName = new Map<string, Upgrade>();

  /** Undefined when one goes on under this name. End it. */
  begin(name: string): Upgrade | undefined {
    if (this.#byName.has(name)) return undefined;
    const upgrade = new Upgrade();
    this.#byName.set(name, upgrade);
    return upgrade;
  }

  find(name: string): Upgrade | undefined {
    return this.#byName.get(name);
  }

  end(name: string, end: UpgradeEnd): void {
    this.#byName.get(name)?.settle(end);
    this.#byName.delete(name);
  }
}
