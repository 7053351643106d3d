// What a stream leads to at the engine: a container, which may be attached again and again, or an exec, whose start is its stream.
import type { Duplex } from "node:stream";
import { z } from "zod";
import { isNotFound } from "../../../api/core/errors.js";
import { askEngine, openEngineStream } from "./engine-http.js";
import type { StreamRequest } from "./protocol.js";

/**
 * Typed into a terminal, this would end the stream. Nothing turns that off, so it is a sequence that nobody types: the first byte, which an engine
 * holds back until the next one comes, is none of UTF-8.
 */
const DETACH_KEYS = ["%FF", "%C0", "%FE", "%C1", "%FD", "%F5", "%FC", "%F6"].join(",");

export interface Target {
  /** Whether the stream may be opened once more when it has broken off. */
  readonly isReopenable: boolean;
  /** @throws as the engine answers; unavailable. */
  open(signal: AbortSignal): Promise<Duplex>;
  /** Whether the process has exited, or is gone for good. @throws unavailable, … */
  hasExited(signal: AbortSignal): Promise<boolean>;
}

const containerSchema = z.object({ State: z.object({ Status: z.string() }) });
const execSchema = z.object({ Running: z.boolean() });

export function targetOf(request: StreamRequest): Target {
  return request.verb === "attach" ? containerTarget(request) : execTarget(request);
}

function containerTarget(request: Extract<StreamRequest, { verb: "attach" }>): Target {
  const { host, dockerId, stdio, openStdin } = request;
  const stdin = openStdin && stdio.stdin !== "" ? 1 : 0;
  const query = `stream=1&stdin=${stdin}&stdout=1&stderr=1&detachKeys=${DETACH_KEYS}`;
  return {
    isReopenable: true,
    open: (signal) =>
      openEngineStream({ host, method: "POST", path: `/containers/${dockerId}/attach?${query}`, signal }),
    hasExited: (signal) =>
      unlessGone(async () => {
        const said = await askEngine({ host, method: "GET", path: `/containers/${dockerId}/json`, signal });
        return ["exited", "dead", "removing"].includes(containerSchema.parse(said).State.Status);
      }),
  };
}

function execTarget(request: Extract<StreamRequest, { verb: "exec" }>): Target {
  const { host, dockerId, stdio } = request;
  return {
    isReopenable: false,
    open: (signal) => {
      const body = { Detach: false, Tty: stdio.terminal };
      return openEngineStream({ host, method: "POST", path: `/exec/${dockerId}/start`, body, signal });
    },
    hasExited: (signal) =>
      unlessGone(async () => {
        const said = await askEngine({ host, method: "GET", path: `/exec/${dockerId}/json`, signal });
        return !execSchema.parse(said).Running;
      }),
  };
}

/** Starts an exec whose stdio nobody wants. @throws as the engine answers; unavailable. */
export async function startDetached(host: string, dockerExecId: string, signal?: AbortSignal): Promise<void> {
  await askEngine({ host, method: "POST", path: `/exec/${dockerExecId}/start`, body: { Detach: true }, signal });
}

async function unlessGone(ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}
