// What this server made: by name the id that it declared last. Kept in memory, since whatever outlives the server is nobody's.

/** One kind of things, networks for example. */
export class Ownership {
  /** In the order of the declarations. */
  readonly #ids = new Map<string, string>();

  /** Says that the thing of this name is ours; one that had the name before is forgotten. */
  declare(name: string, id: string): void {
    this.#ids.delete(name);
    this.#ids.set(name, id);
  }

  /** Whether the thing of this name and id is ours; one that others made under the name later is not. */
  has(name: string, id: string): boolean {
    return this.#ids.get(name) === id;
  }

  /** Says that it is gone. A later one of the name stays. */
  forget(name: string, id: string): void {
    if (this.has(name, id)) this.#ids.delete(name);
  }

  /** Those made last first. */
  newestFirst(): { readonly name: string; readonly id: string }[] {
    return [...this.#ids].map(([name, id]) => ({ name, id })).reverse();
  }
}
