// Encoded records in memory, the ones used last, so that reading one again does not go to the database. Bounded by bytes. Whoever
// changes a record puts the new one in, or drops it, once the change is committed: until then, and if it is undone, readers keep the old one.

/** What an entry costs beside its bytes, roughly. */
const OVERHEAD_BYTES = 256;

/** The key of a record. Neither a namespace nor an id has a slash in it. */
export const recordKey = (namespace: string, id: string): string => `${namespace}/${id}`;

type Generation = Map<string, Uint8Array>;

const costOf = (key: string, bytes: Uint8Array): number => key.length + bytes.length + OVERHEAD_BYTES;

/**
 * Two generations: what is used goes to the young one; when that is full it becomes the old one, whose entries are forgotten. So
 * neither use nor eviction keeps a list in order.
 */
export class RecordCache {
  readonly #maxBytes: number;
  #young: Generation = new Map();
  #old: Generation = new Map();
  #youngBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string): Uint8Array | undefined {
    const bytes = this.#young.get(key);
    if (bytes !== undefined) return bytes;
    const aged = this.#old.get(key);
    if (aged !== undefined) this.set(key, aged);
    return aged;
  }

  /** One that is too large to share the room with others is not kept. */
  set(key: string, bytes: Uint8Array): void {
    this.delete(key);
    const cost = costOf(key, bytes);
    if (cost > this.#maxBytes / 8) return;
    if (this.#youngBytes + cost > this.#maxBytes / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, bytes);
    this.#youngBytes += cost;
  }

  delete(key: string): void {
    const bytes = this.#young.get(key);
    if (bytes !== undefined) {
      this.#young.delete(key);
      this.#youngBytes -= costOf(key, bytes);
    }
    this.#old.delete(key);
  }
}
