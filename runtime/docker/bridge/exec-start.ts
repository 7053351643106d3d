// The start of an exec, whose stream is the answer to it. An engine that cannot run the program says so in the stream, where its output
// would be; as with a runtime that is a start that failed, and none of it reaches the client.
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { unknownError } from "../../../api/core/errors.js";
import { askEngine, openEngineStream } from "./engine-http.js";
import { FrameReader } from "./frames.js";

const FIRST_LOOK_MS = 1;
const SLOWEST_LOOK_MS = 100;
/** What is read of the engine's words. */
const MAX_WORDS_BYTES = 65_536;
/** For a program that is not there, and for one that cannot be run. */
const NOT_RUN = [126, 127];

const execSchema = z.object({ Running: z.boolean(), Pid: z.number().nullish(), ExitCode: z.number().nullish() });
/** As the engine tells it. */
export type ExecState = z.infer<typeof execSchema>;

export interface EngineExec {
  readonly host: string;
  readonly dockerId: string;
  readonly isTerminal: boolean;
}

/** @throws as the engine answers. */
export async function inspectExec({ host, dockerId }: EngineExec, signal: AbortSignal): Promise<ExecState> {
  return execSchema.parse(await askEngine({ host, method: "GET", path: `/exec/${dockerId}/json`, signal }));
}

/** Resolves with its stream when it runs, or has run. @throws kind unknown in the engine's words when it does not; unavailable. */
export async function startExec(exec: EngineExec, signal: AbortSignal): Promise<Duplex> {
  const { host, dockerId, isTerminal } = exec;
  const body = { Detach: false, Tty: isTerminal };
  const stream = await openEngineStream({ host, method: "POST", path: `/exec/${dockerId}/start`, body, signal });
  try {
    if (await hasBegun(exec, signal)) return stream;
    throw unknownError((await wordsOf(stream, isTerminal)) || `exec ${dockerId}: the engine does not start it`);
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

async function hasBegun(exec: EngineExec, signal: AbortSignal): Promise<boolean> {
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 2, SLOWEST_LOOK_MS)) {
    // Whatever hinders this will show in the stream.
    const state = await inspectExec(exec, signal).catch(() => undefined);
    signal.throwIfAborted();
    if (state === undefined || (state.Pid ?? 0) !== 0) return true;
    // Docker calls it running from the request on.
    if (!state.Running && state.ExitCode != null) return !NOT_RUN.includes(state.ExitCode);
    await sleep(pauseMs, undefined, { signal });
  }
}

/** All that the engine says. */
async function wordsOf(stream: Duplex, isTerminal: boolean): Promise<string> {
  const frames = isTerminal ? undefined : new FrameReader();
  let words = "";
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      for (const { data } of frames?.read(chunk) ?? [{ data: chunk }]) words += data.toString();
      if (words.length > MAX_WORDS_BYTES) break;
    }
  } catch {
    // What there is will do.
  }
  return words.trim();
}
