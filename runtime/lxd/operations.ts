// Operations: what LXD goes on with after it has answered. They are followed by its events; where those break off, or say nothing for
// a while, it is asked. LXD forgets an operation some seconds after its end, and all of them when it is restarted.
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { ContainerdError, errorKind, errorOf, isNotFound, unknownError } from "../../api/core/errors.js";
import { type LxdEvents, openEvents } from "./events.js";
import { lxdPath } from "./path.js";
import { type Operation, operationSchema, STATUS } from "./replies.js";
import type { CallOptions, LxdRequest, LxdServer } from "./server.js";

/** It is asked that often although its events come, and so often when they do not. */
const LOOK_MS = 2_000;
const POLL_MS = 200;
const CANCEL_TIMEOUT_MS = 5_000;

export interface OperationOptions extends CallOptions {
  /** Told of every change on the way: progress is in `metadata`. Must not throw. */
  readonly onNews?: (operation: Operation) => void;
  /** Until the start is answered. Default: the server's. The end is waited for without a deadline but the signal's. */
  readonly timeoutMs?: number;
}

/** Work that goes on in LXD. */
export interface RunningOperation {
  /** As the answer to its start told it. */
  readonly operation: Operation;
  /**
   * When it has ended, well or not: see {@link succeeded}.
   * @throws cancelled when the signal aborts, which cancels it in LXD where that can be; deadline_exceeded by the signal; unavailable
   * when LXD went away and nobody knows how it ended.
   */
  readonly end: Promise<Operation>;
}

/** Starts something and follows it from its first moment. `end` is to be awaited by somebody. @throws as `LxdServer.ask`. */
export async function beginOperation(
  server: LxdServer,
  what: string,
  request: LxdRequest,
  options: OperationOptions = {},
): Promise<RunningOperation> {
  // Before the start, so that nothing is missed. Without events it is asked all the time.
  const events = await openEvents(server, ["operation"], options).catch(() => undefined);
  try {
    const operation = await server.begin(what, request, options);
    return { operation, end: follow(server, what, operation, events, options) };
  } catch (error) {
    events?.[Symbol.dispose]();
    throw error;
  }
}

/** Starts something and waits until it has succeeded. @throws as {@link beginOperation}, {@link RunningOperation.end}, {@link succeeded}. */
export async function runOperation(
  server: LxdServer,
  what: string,
  request: LxdRequest,
  options?: OperationOptions,
): Promise<Operation> {
  const { end } = await beginOperation(server, what, request, options);
  return succeeded(what, await end, options);
}

/** Those that go on, by whomever they were started. */
export async function listRunningOperations(server: LxdServer, options?: CallOptions): Promise<Operation[]> {
  const request = { method: "GET", path: "/1.0/operations?recursion=1" } as const;
  const byStatus = await server.ask(
    "list operations",
    request,
    z.record(z.string(), z.array(operationSchema)),
    options,
  );
  return Object.values(byStatus)
    .flat()
    .filter((operation) => !isOver(operation));
}

/** An operation that has ended, if it has ended well. @throws what it failed with, as `refusal` or unknown; cancelled when somebody else did so. */
export function succeeded(
  what: string,
  operation: Operation,
  { refusal }: Pick<OperationOptions, "refusal"> = {},
): Operation {
  if (operation.status_code === STATUS.success) return operation;
  if (operation.status_code === STATUS.cancelled) throw errorOf("cancelled", `lxd: ${what}`);
  const message = `lxd: ${what}: ${operation.err}`;
  throw refusal === undefined ? unknownError(message) : errorOf(refusal, message);
}

/** Asks for its end, which comes in its own time; one that has ended, or that cannot be cancelled any more, stays as it is. */
export async function cancelOperation(server: LxdServer, id: string): Promise<void> {
  await cancel(server, `operation ${id}`, id);
}

async function follow(
  server: LxdServer,
  what: string,
  started: Operation,
  events: LxdEvents | undefined,
  { signal, onNews }: OperationOptions,
): Promise<Operation> {
  const over = new AbortController();
  const giveUp = (): void => over.abort();
  signal?.addEventListener("abort", giveUp, { once: true });
  if (signal?.aborted === true) giveUp();
  let { may_cancel: mayCancel } = started;
  const hear = (operation: Operation): void => {
    // A download can be cancelled, what comes before and after it cannot.
    mayCancel = operation.may_cancel;
    onNews?.(operation);
  };
  const told = events === undefined ? undefined : firstEnd(events, started.id, hear);
  // It fails when the events are closed below, which is nobody's business then.
  told?.catch(() => undefined);
  try {
    return isOver(started) ? started : await race(told, askUntilOver(server, what, started.id, told, over.signal));
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    if (mayCancel) await cancel(server, what, started.id);
    const kind = errorKind(signal.reason) === "deadline_exceeded" ? "deadline_exceeded" : "cancelled";
    throw errorOf(kind, `lxd: ${what}`, error);
  } finally {
    over.abort();
    signal?.removeEventListener("abort", giveUp);
    events?.[Symbol.dispose]();
  }
}

const isOver = ({ status_code }: Operation): boolean => status_code >= STATUS.success;

/** The first that knows the end; when the events break off, the asking goes on alone. */
async function race(told: Promise<Operation> | undefined, asked: Promise<Operation>): Promise<Operation> {
  return told === undefined ? await asked : await Promise.race([told.catch(() => asked), asked]);
}

/** @throws when the events end before it. */
async function firstEnd(events: LxdEvents, id: string, onNews: (operation: Operation) => void): Promise<Operation> {
  for await (const event of events.read()) {
    if (event.type !== "operation" || event.metadata.id !== id) continue;
    if (isOver(event.metadata)) return event.metadata;
    onNews(event.metadata);
  }
  throw errorOf("unavailable", "lxd: events");
}

async function askUntilOver(
  server: LxdServer,
  what: string,
  id: string,
  told: Promise<Operation> | undefined,
  signal: AbortSignal,
): Promise<Operation> {
  let pauseMs = told === undefined ? POLL_MS : LOOK_MS;
  const broken = new AbortController();
  told?.catch(() => {
    pauseMs = POLL_MS;
    broken.abort();
  });
  for (;;) {
    const woken = pauseMs === POLL_MS ? signal : AbortSignal.any([signal, broken.signal]);
    await sleep(pauseMs, undefined, { signal: woken }).catch(() => undefined);
    signal.throwIfAborted();
    const operation = await askFor(server, what, id, signal);
    if (isOver(operation)) return operation;
  }
}

async function askFor(server: LxdServer, what: string, id: string, signal: AbortSignal): Promise<Operation> {
  const request = { method: "GET", path: lxdPath`/1.0/operations/${id}` } as const;
  try {
    return await server.ask(what, request, operationSchema, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const text = `lxd: ${what}: it was forgotten before its end was heard of: unavailable`;
    throw new ContainerdError("unavailable", text, { cause: error });
  }
}

/** The caller has given up: it goes without his signal, and whether it worked is nobody's business any more. */
async function cancel(server: LxdServer, what: string, id: string): Promise<void> {
  const request = { method: "DELETE", path: lxdPath`/1.0/operations/${id}` } as const;
  await server.tell(`cancel: ${what}`, request, { timeoutMs: CANCEL_TIMEOUT_MS }).catch(() => undefined);
}
