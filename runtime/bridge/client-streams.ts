// The client's ends of a process's stdio, opened as a shim opens them, for one who carries the bytes himself.
// @source containerd runtime/v2/runc/process/io.go, init.go (what is opened how, and what is said when it cannot be)
import { constants, existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { wrapError } from "../../api/core/errors.js";
import type { Stdio } from "../../api/core/task.js";
import { openOutputEnd } from "../stdio/client-ends.js";
import { Descriptors } from "../stdio/descriptors.js";
import { type LogProgram, startLogProgram } from "../stdio/log-program.js";
import { outputAddress } from "../stdio/output-address.js";
import { type InputStream, nowhere, openInputStream, openOutputStream, writableOf } from "../stdio/streams.js";
import { isFifo } from "../sys/fifo.js";
import { isSilent } from "./plain-stdio.js";

const READER_TIMEOUT_MS = 30_000;
const NULL_DEVICE = "/dev/null";
/** What is no path. */
const ADDRESS = /^[a-z][a-z0-9+.-]*:/i;

export interface ClientStreamsOptions {
  readonly namespace: string;
  /** Of the container. */
  readonly id: string;
  /** Clients have had their 30 seconds before: nobody is waited for, and what they have removed is not missed. */
  readonly again: boolean;
  readonly signal: AbortSignal;
}

/** With a terminal there is one output, and `stderr` leads nowhere. Disposing closes what is open. */
export interface ClientStreams extends AsyncDisposable {
  /** Ends when the client has closed its end and {@link ClientStreams.closeStdin} was called. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
  closeStdin(): void;
  /** From now on nobody is there to keep the output of readers that have gone: it is lost. */
  letReadersGo(): void;
  /** No more output comes: resolves when all of it has arrived or nobody wants it. */
  end(): Promise<void>;
  /** Drops what has not arrived. */
  cut(): void;
}

/** @throws deadline_exceeded, unknown: in a shim's words. Nothing stays open then. */
export async function openClientStreams(stdio: Stdio, options: ClientStreamsOptions): Promise<ClientStreams> {
  const held = { input: new Descriptors(), output: new Descriptors() };
  let input: InputStream | undefined;
  try {
    const paths = options.again ? hold(held.output, stdio) : stdio;
    input = openInputStream(held.input, paths.stdin);
    const outputs = await openOutputs(held.output, paths, options);
    return new OpenStreams(held, input?.stream, outputs);
  } catch (error) {
    input?.stream.destroy();
    held.input[Symbol.dispose]();
    held.output[Symbol.dispose]();
    throw error;
  }
}

/** What keeps FIFOs alive while no client has them open. */
interface Held {
  readonly input: Descriptors;
  readonly output: Descriptors;
}

interface Outputs {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly program: LogProgram | undefined;
}

async function openOutputs(held: Descriptors, stdio: Stdio, options: ClientStreamsOptions): Promise<Outputs> {
  const open = { ...options, deadlineMs: Date.now() + READER_TIMEOUT_MS };
  if (isSilent(stdio)) return { stdout: nowhere(), stderr: nowhere(), program: undefined };
  if (stdio.terminal) {
    const { stream, program } = await openOutputStream(held, stdio.stdout, open).catch((error: unknown) => {
      throw wrapError("failed to start console copy", error);
    });
    return { stdout: stream, stderr: nowhere(), program };
  }
  const address = outputAddress(stdio.stdout);
  if (address.kind === "program") {
    const program = await startLogProgram(held, { ...open, ...address }).catch((error: unknown) => {
      throw wrapError("failed to create init process I/O", error);
    });
    return { stdout: writableOf(held, program.stdout), stderr: writableOf(held, program.stderr), program };
  }
  const [out, err] = address.kind === "file" ? [address.path, address.path] : [stdio.stdout, stdio.stderr];
  const fds: number[] = [];
  try {
    for (const path of [out, err]) fds.push((await openOutputEnd(held, path, { ...open, mode: "nonblocking" })).fd);
  } catch (error) {
    throw wrapError("failed to start io pipe copy: unable to copy pipes", error);
  }
  const [stdout = -1, stderr = -1] = fds;
  return { stdout: writableOf(held, stdout), stderr: writableOf(held, stderr), program: undefined };
}

/** FIFOs get a reader, so that opening them waits for nobody; what is gone leads nowhere. */
function hold(held: Descriptors, stdio: Stdio): Stdio {
  const there = (path: string): string => {
    if (path === "" || ADDRESS.test(path)) return path;
    if (!existsSync(path)) return NULL_DEVICE;
    if (isFifo(path)) held.open(path, constants.O_RDWR | constants.O_NONBLOCK);
    return path;
  };
  const stdin = existsSync(stdio.stdin) ? stdio.stdin : "";
  return { ...stdio, stdin, stdout: there(stdio.stdout), stderr: there(stdio.stderr) };
}

class OpenStreams implements ClientStreams {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly #held: Held;
  readonly #program: LogProgram | undefined;
  readonly #closed: Promise<unknown>;

  constructor(held: Held, stdin: Readable | undefined, { stdout, stderr, program }: Outputs) {
    this.#held = held;
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.#program = program;
    // Without a listener they would end the bridge; a stream that fails closes.
    for (const stream of [stdin, stdout, stderr]) stream?.on("error", () => {});
    this.#closed = Promise.all([stdin, stdout, stderr].map(closed));
  }

  closeStdin(): void {
    this.#held.input[Symbol.dispose]();
  }

  letReadersGo(): void {
    this.#held.output[Symbol.dispose]();
  }

  async end(): Promise<void> {
    this.stdin?.destroy();
    this.closeStdin();
    this.letReadersGo();
    this.stdout.end();
    this.stderr.end();
    await this.#closed;
  }

  cut(): void {
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream?.destroy();
    this.closeStdin();
    this.letReadersGo();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await this.#closed;
    await this.#program?.[Symbol.asyncDispose]();
  }
}

/** Resolves at once for none. */
async function closed(stream: Readable | Writable | undefined): Promise<void> {
  if (stream === undefined) return;
  await new Promise<void>((resolve) => {
    stream.once("close", () => resolve());
  });
}
