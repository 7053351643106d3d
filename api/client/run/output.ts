// What a process writes, collected up to a limit.
import type { Readable, Writable } from "node:stream";
import type { ProcessResult } from "./process-result.js";

const DEFAULT_LIMIT_BYTES = 16 * 1024 * 1024;

/** How `TaskProcess.output` feeds a process and keeps what it writes. */
export interface OutputOptions {
  /** Kept of stdout and of stderr, each; what is beyond is read and thrown away. Default: 16 MiB. */
  readonly limitBytes?: number | undefined;
  /** Written to stdin, which then ends. Default: nothing. */
  readonly input?: string | Uint8Array | undefined;
  /** `utf8` for strings, `buffer` for bytes. Default: `utf8`. */
  readonly encoding?: "utf8" | "buffer" | undefined;
  /** Ends the waiting, and nothing else. */
  readonly signal?: AbortSignal | undefined;
}

/** How a process ended and what it wrote: strings or `Buffer`s, as `encoding` says. */
export interface ProcessOutput<T> extends ProcessResult {
  /** With a terminal all that it showed; empty where stdout is no pipe. */
  readonly stdout: T;
  /** Empty with a terminal. */
  readonly stderr: T;
  /** Whether one of them was longer than the limit. */
  readonly truncated: boolean;
}

interface Streams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** Starts reading at once. Never rejects: what there is when a stream breaks is what there is. */
export async function collect(
  { stdin, stdout, stderr }: Streams,
  { limitBytes = DEFAULT_LIMIT_BYTES, input, encoding = "utf8" }: OutputOptions,
): Promise<Omit<ProcessOutput<Buffer | string>, keyof ProcessResult>> {
  if (!stdin.writableEnded) stdin.end(input);
  const [out, err] = await Promise.all([read(stdout, limitBytes), read(stderr, limitBytes)]);
  const form = (bytes: Buffer): Buffer | string => (encoding === "buffer" ? bytes : bytes.toString("utf8"));
  return { stdout: form(out.bytes), stderr: form(err.bytes), truncated: out.truncated || err.truncated };
}

async function read(
  stream: Readable,
  limitBytes: number,
): Promise<{ readonly bytes: Buffer; readonly truncated: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  let truncated = false;
  await new Promise<void>((resolve) => {
    if (stream.readableEnded || stream.destroyed) {
      resolve();
      return;
    }
    stream.on("data", (chunk: Buffer) => {
      const room = limitBytes - size;
      if (chunk.length > room) truncated = true;
      const kept = chunk.subarray(0, room);
      if (kept.length > 0) chunks.push(kept);
      size += kept.length;
    });
    stream.once("end", resolve);
    stream.once("close", resolve);
  });
  return { bytes: Buffer.concat(chunks), truncated };
}
