// The stdio of a process as run() and exec() give it: pipes made before the daemon hears of the process, streams afterwards.
import process from "node:process";
import type { Readable } from "node:stream";
import type { Stdio } from "../../core/task.js";
import { FifoEnds, type ProcessStreams } from "../io/fifo-ends.js";
import { makeFifos, NULL_STDIO, removeFifos } from "../io/fifos.js";
import type { StdioOption } from "./options.js";
import { InputStream, OutputStream } from "./process-streams.js";

/** After the exit, that long without a word ends the waiting for output: a child may hold the pipe open. */
const IDLE_AFTER_EXIT_MS = 10_000;
const NOWHERE = "/dev/null";
const NO_STREAMS: ProcessStreams = { stdin: undefined, stdout: undefined, stderr: undefined };

interface OpenStreams {
  readonly stdin: InputStream;
  readonly outputs: readonly [stdout: OutputStream, stderr: OutputStream];
}

type Inherited = { readonly stdout: boolean; readonly stderr: boolean };

export class ProcessStdio implements Disposable {
  /** As the daemon is told. */
  readonly stdio: Stdio;
  readonly #openEnds: () => FifoEnds | undefined;
  readonly #inherited: Inherited;
  #onInputEnd: () => Promise<void> = async () => {};
  #ends: FifoEnds | undefined;
  #streams: OpenStreams | undefined;
  #isClosed = false;

  private constructor(stdio: Stdio, inherited: Inherited, openEnds: () => FifoEnds | undefined) {
    this.stdio = stdio;
    this.#inherited = inherited;
    this.#openEnds = openEnds;
  }

  /** Makes the pipes and holds them, so that nothing is lost whoever comes first. Remove them with {@link remove}. */
  static async make(id: string, terminal: boolean, option: StdioOption = "pipe"): Promise<ProcessStdio> {
    const inherited = {
      stdout: modeOf(option, "stdout") === "inherit",
      stderr: modeOf(option, "stderr") === "inherit",
    };
    if (typeof option === "object" && "log" in option) {
      const { log } = option;
      return new ProcessStdio({ stdin: "", stdout: log, stderr: log, terminal }, inherited, () => undefined);
    }
    const without = (["stdin", "stdout", "stderr"] as const).filter((name) => modeOf(option, name) === "ignore");
    if (without.length === 3) return new ProcessStdio({ ...NULL_STDIO, terminal }, inherited, () => undefined);
    const pipes = await makeFifos({ id, terminal, without });
    // Shims open both outputs or none.
    const stdio = { ...pipes, stdout: pipes.stdout || NOWHERE, stderr: terminal ? "" : pipes.stderr || NOWHERE };
    try {
      const ends = FifoEnds.hold(pipes);
      const made = new ProcessStdio(stdio, inherited, () => ends);
      made.#open();
      return made;
    } catch (error) {
      await removeFifos(pipes);
      throw error;
    }
  }

  /** The pipes of a process that is there already; they are opened when a stream is first asked for. */
  static find(stdio: Stdio): ProcessStdio {
    return new ProcessStdio(stdio, { stdout: false, stderr: false }, () => FifoEnds.attach(stdio));
  }

  /** Who tells the daemon that no more input comes. */
  onInputEnd(tell: () => Promise<void>): void {
    this.#onInputEnd = tell;
  }

  get stdin(): InputStream {
    return this.#open().stdin;
  }

  get stdout(): OutputStream {
    return this.#open().outputs[0];
  }

  get stderr(): OutputStream {
    return this.#open().outputs[1];
  }

  /** The process has been started: from here the end of its output is the end of the streams. */
  release(): void {
    this.#ends?.release();
  }

  /** The process has ended: takes in what it has written. */
  async drain(): Promise<void> {
    if (this.#streams === undefined) return;
    this.#streams.stdin.destroy();
    await Promise.all(this.#streams.outputs.map((output) => output.drain(IDLE_AFTER_EXIT_MS)));
  }

  /** Nobody wants the output any more: the process need not wait for a reader, and nobody for what it has not written yet. */
  discard(): void {
    // Pipes that nobody has opened yet may have lost their other end, which a reader who comes then is never told.
    if (this.#streams === undefined) this.#isClosed = true;
    else for (const output of this.#streams.outputs) output.destroy();
  }

  /** Removes the pipes' names. What has been taken in can still be read. */
  async remove(): Promise<void> {
    await removeFifos(this.stdio);
  }

  /** Closes our ends at once; the streams end. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    if (this.#streams !== undefined) {
      this.#streams.stdin.destroy();
      for (const output of this.#streams.outputs) output.close();
    }
    this.#ends?.[Symbol.dispose]();
  }

  #open(): OpenStreams {
    if (this.#streams !== undefined) return this.#streams;
    this.#ends = this.#isClosed ? undefined : this.#openEnds();
    const { stdin, stdout, stderr } = this.#ends?.streams() ?? NO_STREAMS;
    const streams = {
      stdin: new InputStream(stdin, () => this.#onInputEnd()),
      outputs: [
        this.#output(stdout, this.#inherited.stdout ? process.stdout : undefined),
        this.#output(stderr, this.#inherited.stderr ? process.stderr : undefined),
      ] as const,
    };
    this.#streams = streams;
    return streams;
  }

  #output(source: Readable | undefined, to: NodeJS.WriteStream | undefined): OutputStream {
    const output = new OutputStream(source);
    if (to !== undefined) output.pipe(to, { end: false });
    return output;
  }
}

function modeOf(option: StdioOption, name: "stdin" | "stdout" | "stderr"): "pipe" | "ignore" | "inherit" {
  if (typeof option === "string") return option;
  return "log" in option ? "ignore" : (option[name] ?? "pipe");
}
