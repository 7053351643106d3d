// Descriptors that are held together, each closed once: by name when its time has come, or with all others at the end.
import { closeSync, constants, openSync } from "node:fs";

/** A path may lead to a terminal; a supervisor that leads a session must not get it as its own. */
const ALWAYS = constants.O_NOCTTY;

export class Descriptors implements Disposable {
  readonly #open = new Set<number>();

  /** @throws an Error with an errno code. */
  open(path: string, flags: number): number {
    return this.keep(openSync(path, flags | ALWAYS));
  }

  /** Takes over an open descriptor and hands it back. */
  keep(fd: number): number {
    this.#open.add(fd);
    return fd;
  }

  /** Somebody else closes it from now on. */
  release(fd: number): number {
    this.#open.delete(fd);
    return fd;
  }

  /** Those that are closed already are passed over. */
  close(...fds: readonly number[]): void {
    for (const fd of fds) if (this.#open.delete(fd)) closeSync(fd);
  }

  [Symbol.dispose](): void {
    this.close(...this.#open);
  }
}
