// stdio of a process with a terminal: what it writes there is carried to the client, and what the client types is carried back.
// @source containerd runtime/v2/runc (platform.go: what is opened); kernel drivers/tty (what happens at the end)
import { chownSync, constants, readSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ReadStream } from "node:tty";
import { wrapError } from "../../api/core/errors.js";
import type { Stdio } from "../../api/core/task.js";
import type { Owner } from "../stdio/client-ends.js";
import { Descriptors } from "../stdio/descriptors.js";
import {
  type InputStream,
  type OutputStream,
  openInputStream,
  openOutputStream,
  type StreamOptions,
} from "../stdio/streams.js";
import { isHungUp } from "../sys/hang-up.js";
import { duplicate } from "../sys/pipe.js";
import { openPseudoTerminal, type PseudoTerminal, setWindowSize } from "../sys/pseudo-terminal.js";
import type { ProcessIO } from "./process-io.js";

/** For output that still comes when somebody else than the process has the terminal open. */
const LINGER_MS = 2_000;
const CHUNK_BYTES = 65_536;
/** More than the kernel holds of a terminal's output: whoever goes on writing does not keep us. */
const MOST_CHUNKS = 16;

/** stdout may be "", a path or an address. @throws as for processes without a terminal. */
export async function openTerminalIO(stdio: Stdio, options: StreamOptions): Promise<ProcessIO> {
  const held = new Descriptors();
  let input: InputStream | undefined;
  let output: OutputStream | undefined;
  try {
    const terminal = openPseudoTerminal();
    held.keep(terminal.fd);
    giveTerminal(terminal, options.owner);
    const ends = held.open(terminal.path, constants.O_RDWR);
    input = openInputStream(held, stdio.stdin);
    output = await openOutputStream(held, stdio.stdout, options).catch((error: unknown) => {
      throw wrapError("failed to start console copy", error);
    });
    return new TerminalIO(held, terminal, ends, input, output);
  } catch (error) {
    input?.stream.destroy();
    output?.stream.destroy();
    held[Symbol.dispose]();
    await output?.program?.[Symbol.asyncDispose]();
    throw error;
  }
}

/** The group stays that of all terminals. */
function giveTerminal({ path }: PseudoTerminal, owner: Owner | undefined): void {
  const { uid, gid } = statSync(path);
  if (owner !== undefined && owner.uid !== uid) chownSync(path, owner.uid, gid);
}

class TerminalIO implements ProcessIO {
  readonly descriptors: ProcessIO["descriptors"];
  readonly terminalPath: string;
  readonly #held: Descriptors;
  readonly #input: InputStream | undefined;
  readonly #output: OutputStream;
  /** Our end of the terminal once more: the stream closes its own when it believes that all has been read. */
  readonly #control: number;
  readonly #stream: ReadStream;
  /** Nothing more can be read. */
  readonly #ended: Promise<void>;
  /** All that was read has been passed on, or nobody wants it. */
  readonly #arrived: Promise<void>;
  #hasEnded = false;

  constructor(
    held: Descriptors,
    terminal: PseudoTerminal,
    processEnd: number,
    input: InputStream | undefined,
    output: OutputStream,
  ) {
    this.descriptors = [processEnd, processEnd, processEnd];
    this.terminalPath = terminal.path;
    this.#held = held;
    this.#input = input;
    this.#output = output;
    this.#control = held.keep(duplicate(terminal.fd));
    this.#stream = new ReadStream(held.release(terminal.fd));
    this.#arrived = closed(output.stream);
    this.#ended = closed(this.#stream).then(() => this.#readRest());
    // Without a listener they would end the program. Reading fails with EIO when the last process has left the terminal.
    for (const stream of [this.#stream, output.stream, input?.stream]) stream?.on("error", () => {});
    // A terminal that nobody reads would hold its processes up.
    output.stream.once("close", () => this.#stream.resume());
    this.#stream.pipe(output.stream, { end: false });
    input?.stream.pipe(this.#stream, { end: false });
    // Behind all that was typed. A terminal has no end of its input, but it can be hung up.
    input?.stream.once("end", () => this.#stream.write("", () => this.#stream.destroy()));
  }

  handedOver(): void {
    this.#held.close(...this.descriptors);
  }

  /** The terminal is hung up when the client has closed its end as well, as containerd's shim does. */
  closeStdin(): void {
    if (this.#input?.keep !== undefined) this.#held.close(this.#input.keep);
  }

  resize(width: number, height: number): void {
    if (!this.#hasEnded) setWindowSize(this.#control, width, height);
  }

  async finish(): Promise<void> {
    this.handedOver();
    this.closeStdin();
    this.#input?.stream.destroy();
    // Whoever reads goes on; nobody keeps us when all readers have left.
    if (this.#output.keep !== undefined) this.#held.close(this.#output.keep);
    // Hung up, it is read to its end however long that takes; otherwise somebody else has it open.
    if (!this.#hasEnded && !isHungUp(this.#control)) {
      await Promise.race([this.#ended, sleep(LINGER_MS, undefined, { ref: false })]);
      this.#stream.destroy();
    }
    await this.#arrived;
    this.#held[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of [this.#input?.stream, this.#output.stream, this.#stream]) stream?.destroy();
    await this.#ended;
    await this.#arrived;
    this.#held[Symbol.dispose]();
    await this.#output.program?.[Symbol.asyncDispose]();
  }

  /** The stream stops at the first hint of an end, with output still in the terminal. */
  #readRest(): void {
    this.#hasEnded = true;
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let count = 0; count < MOST_CHUNKS && !this.#output.stream.destroyed; count += 1) {
      const length = this.#read(chunk);
      if (length === 0) break;
      this.#output.stream.write(Buffer.from(chunk.subarray(0, length)));
    }
    this.#held.close(this.#control);
    this.#output.stream.end();
  }

  #read(chunk: Buffer): number {
    try {
      return readSync(this.#control, chunk);
    } catch {
      // EIO is its end, EAGAIN that of what is there.
      return 0;
    }
  }
}

const closed = async (stream: NodeJS.EventEmitter): Promise<void> =>
  await new Promise((resolve) => {
    stream.once("close", () => resolve());
  });
