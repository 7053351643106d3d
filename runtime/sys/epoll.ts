// Waiting until descriptors have something to read, without reading: Node's own streams know only both together. One thread of
// libuv's pool waits for all of them.
import { closeSync, writeSync } from "node:fs";
import { endianness } from "node:os";
import { callInThread, systemError, tryCall } from "./libc.js";
import { makePipe } from "./pipe.js";

const EPOLL_CLOEXEC = 0o2000000;
const EPOLLIN = 0x1;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
/** struct epoll_event is packed on x86-64 only: events in 32 bits, then 64 of the caller's choice, here the descriptor. */
const EVENT_BYTES = process.arch === "x64" ? 12 : 16;
const DATA_AT = EVENT_BYTES - 8;
const MOST_EVENTS = 64;
const LITTLE = endianness() === "LE";

/** Disposing ends the waiting; the descriptors stay open. */
export class Epoll implements AsyncDisposable {
  readonly #poll: number;
  readonly #wake = makePipe();
  readonly #watched = new Map<number, () => void>();
  readonly #running: Promise<void>;
  #isOver = false;

  /** @throws an Error with an errno code: EMFILE, … */
  constructor() {
    const poll = tryCall("epoll_create1", EPOLL_CLOEXEC);
    if (poll < 0) throw systemError("epoll_create1", -poll);
    this.#poll = poll;
    this.#control(EPOLL_CTL_ADD, this.#wake.readEnd);
    this.#running = this.#run();
  }

  /** Calls back whenever there is something to read or the other end is gone, again and again until {@link Epoll.unwatch}. */
  watch(fd: number, onReadable: () => void): void {
    const isNew = !this.#watched.has(fd);
    this.#watched.set(fd, onReadable);
    if (isNew) this.#control(EPOLL_CTL_ADD, fd);
  }

  /** To be called before the descriptor is closed. One that is not watched is passed over. */
  unwatch(fd: number): void {
    if (this.#watched.delete(fd)) this.#control(EPOLL_CTL_DEL, fd);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) {
      this.#isOver = true;
      writeSync(this.#wake.writeEnd, "x");
    }
    await this.#running;
  }

  #control(operation: number, fd: number): void {
    const event = Buffer.alloc(EVENT_BYTES);
    const view = new DataView(event.buffer, event.byteOffset);
    view.setUint32(0, EPOLLIN, LITTLE);
    view.setInt32(DATA_AT, fd, LITTLE);
    const result = tryCall("epoll_ctl", this.#poll, operation, fd, event);
    if (result < 0) throw systemError("epoll_ctl", -result);
  }

  async #run(): Promise<void> {
    const events = Buffer.alloc(MOST_EVENTS * EVENT_BYTES);
    const view = new DataView(events.buffer, events.byteOffset);
    while (!this.#isOver) {
      const count = await callInThread("epoll_wait", this.#poll, events, MOST_EVENTS, -1);
      // Below 0 it was cut short by a signal.
      for (let index = 0; index < count; index += 1) {
        this.#watched.get(view.getInt32(index * EVENT_BYTES + DATA_AT, LITTLE))?.();
      }
    }
    closeSync(this.#poll);
    closeSync(this.#wake.readEnd);
    closeSync(this.#wake.writeEnd);
  }
}
