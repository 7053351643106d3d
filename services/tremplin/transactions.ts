// Exports and imports that go on: one for a container's name at a time, which somebody may ask to stop.

export class Transaction {
  readonly kind: "export" | "import";
  #isCancelled = false;

  constructor(kind: Transaction["kind"]) {
    this.kind = kind;
  }

  /** Asked for; it is looked at now and then. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  cancel(): void {
    this.#isCancelled = true;
  }
}

export class Transactions {
  readonly #byName = new Map<string, Transaction>();

  /** Undefined when one goes on under this name. End it. */
  begin(name: string, kind: Transaction["kind"]): Transaction | undefined {
    if (this.#byName.has(name)) return undefined;
    const transaction = new Transaction(kind);
    this.#byName.set(name, transaction);
    return transaction;
  }

  find(name: string): Transaction | undefined {
    return this.#byName.get(name);
  }

  end(name: string): void {
    this.#byName.delete(name);
  }
}
