// The keys that leave a process behind: typed one after another at its terminal they end berth's part in it, and do not reach it.
// @source moby/term ascii.go, proxy.go (the names of keys, and that a beginning is held back)
import { type Readable, Transform, type TransformCallback } from "node:stream";
import { UsageError } from "./exit-status.js";

/** Docker's, which people have in their fingers. */
export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";
/** Of `ctrl-`, in the order of the bytes that they send. */
const CONTROLLED = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
const DELETE = 127;

/**
 * The bytes that a sequence of keys sends: single characters, `ctrl-` with a letter or one of `@ [ \ ] ^ _`, and `DEL`, separated by
 * commas. None for "", which no typing matches.
 * @throws UsageError for a key that is none.
 */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === "") return new Uint8Array();
  return Uint8Array.from(text.split(",").map(byteOf));
}

function byteOf(key: string): number {
  const code = key.length === 1 ? key.charCodeAt(0) : key === "DEL" ? DELETE : controlByteOf(key);
  if (code < 0 || code > DELETE) {
    throw new UsageError(
      `"${key}" is no key to detach with: one character, ctrl-a to ctrl-z, ctrl- with @ [ \\ ] ^ or _, or DEL`,
    );
  }
  return code;
}

function controlByteOf(key: string): number {
  const [, name] = /^ctrl-(.)$/.exec(key.toLowerCase()) ?? [];
  return name === undefined ? -1 : CONTROLLED.indexOf(name);
}

/**
 * What is typed, without the keys that detach; `onDetach` is called once when they have been. A beginning of them is held back until it is
 * clear what it is.
 */
export class DetachKeys extends Transform {
  readonly #keys: Uint8Array;
  readonly #onDetach: () => void;
  #matched = 0;
  #isDetached = false;

  constructor(keys: Uint8Array, onDetach: () => void) {
    super();
    this.#keys = keys;
    this.#onDetach = onDetach;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const passed: number[] = [];
    const wasDetached = this.#isDetached;
    for (const byte of chunk) if (!this.#isDetached) this.#take(byte, passed);
    done(null, passed.length === 0 ? undefined : Buffer.from(passed));
    if (this.#isDetached && !wasDetached) this.#onDetach();
  }

  override _flush(done: TransformCallback): void {
    const held = this.#isDetached ? 0 : this.#matched;
    this.#matched = 0;
    done(null, held === 0 ? undefined : Buffer.from(this.#keys.subarray(0, held)));
  }

  /** The bytes held back are always a beginning of the keys, as long as possible. */
  #take(byte: number, passed: number[]): void {
    const seen = [...this.#keys.subarray(0, this.#matched), byte];
    while (!seen.every((one, at) => one === this.#keys[at])) passed.push(...seen.splice(0, 1));
    this.#matched = seen.length;
    if (this.#keys.length > 0 && this.#matched === this.#keys.length) this.#isDetached = true;
  }
}

/** What is typed at berth's own terminal, without the keys that detach. Disposing stops reading there. */
export function typing(keys: Uint8Array, onDetach: () => void): { readonly keys: Readable } & Disposable {
  const passed = process.stdin.pipe(new DetachKeys(keys, onDetach));
  return {
    keys: passed,
    [Symbol.dispose]: () => {
      process.stdin.unpipe(passed);
      process.stdin.pause();
    },
  };
}
