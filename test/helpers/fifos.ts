// The client's side of a task's stdio: FIFOs, opened so that nothing waits for anybody.
import { randomBytes } from "node:crypto";
import { constants, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Stdio } from "../../api/core/task.js";
import { makeFifo } from "../../runtime/sys/fifo.js";

/** Opened for both directions, so that it opens at once and never ends by itself; used in one. */
function openFifo(path: string, use: { readonly readable: boolean }): Socket {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return new Socket({ fd, readable: use.readable, writable: !use.readable });
}

/** One FIFO for stdin, one for stdout and stderr together. */
export class FifoPair implements AsyncDisposable {
  readonly stdio: Stdio;
  readonly #sockets: Socket[] = [];
  #input: Socket | undefined;
  #text = "";

  private constructor(stdin: string, stdout: string, isRead: boolean) {
    this.stdio = { stdin, stdout, stderr: stdout, terminal: false };
    this.#input = this.#open(stdin, { readable: false });
    if (!isRead) return;
    this.#open(stdout, { readable: true })
      .setEncoding("utf8")
      .on("data", (chunk: string) => {
        this.#text += chunk;
      });
  }

  /** Makes the FIFOs in a folder of their own below `dir`. With `isRead` false nobody opens the output. */
  static async make(dir: string, options: { readonly isRead?: boolean } = {}): Promise<FifoPair> {
    const folder = join(dir, `fifos-${randomBytes(4).toString("hex")}`);
    await mkdir(folder);
    const [stdin, stdout] = [join(folder, "stdin"), join(folder, "stdout")];
    makeFifo(stdin, 0o600);
    makeFifo(stdout, 0o600);
    return new FifoPair(stdin, stdout, options.isRead ?? true);
  }

  /** What came out so far. */
  text(): string {
    return this.#text;
  }

  write(text: string): void {
    this.#input?.write(text);
  }

  /** Closes our end of stdin once what was written has left. */
  endInput(): void {
    const input = this.#input;
    this.#input = undefined;
    input?.write("", () => input.destroy());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(path: string, use: { readonly readable: boolean }): Socket {
    const socket = openFifo(path, use);
    // The other side may be gone when we write.
    socket.on("error", () => {});
    this.#sockets.push(socket);
    return socket;
  }
}
