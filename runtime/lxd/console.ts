// The console of an instance: LXD lets one connection at a time have it. What it shows is kept by LXC as well, the last of it.
import { buffer } from "node:stream/consumers";
import * as z from "zod";
import { LxdRefusal } from "./errors.js";
import { lxdPath, withQuery } from "./path.js";
import type { CallOptions, LxdServer } from "./server.js";
import { openWebSocket, type WebSocketConnection } from "./websocket.js";

export interface ConsoleOptions extends CallOptions {
  /** In characters. Of LXD's own end: what runs in the instance is not told. */
  readonly columns: number;
  readonly rows: number;
}

/** Disposing leaves it to others. Who has it must read it: an instance whose console is not read hangs, and LXD with it. */
export interface LxdConsole extends Disposable {
  /** What is typed; resolves when it takes more. @throws unavailable when the connection is broken. */
  write(data: Uint8Array): Promise<void>;
  /**
   * What it shows, with what the two terminals on its way add: two carriage returns before each line feed. Ends with the instance. LXD's
   * own words when somebody else has the console: see {@link isConsoleRefusal}. May be taken once.
   * @throws unavailable when the connection breaks.
   */
  readonly output: AsyncGenerator<Buffer>;
}

/** Of an instance that does not run. */
const REFUSAL = { refusal: "failed_precondition" } as const;
const REFUSED = "Error: Failed running forkconsole";

const startSchema = z.object({ fds: z.record(z.string(), z.string()) });

/** Connects to it. @throws not_found; failed_precondition for an instance that does not run. */
export async function openConsole(server: LxdServer, instance: string, options: ConsoleOptions): Promise<LxdConsole> {
  const what = `console of instance ${instance}`;
  const { columns, rows, ...call } = options;
  const path = lxdPath`/1.0/instances/${instance}/console`;
  const request = { method: "POST", path, json: { type: "console", width: columns, height: rows } } as const;
  const operation = await server.begin(what, request, { ...REFUSAL, ...call });
  const { fds } = startSchema.parse(operation.metadata);
  const sockets = lxdPath`/1.0/operations/${operation.id}/websocket`;
  const open = (name: string): Promise<WebSocketConnection> =>
    openWebSocket(server, what, withQuery(sockets, { secret: fds[name] }), call);
  const control = await open("control");
  try {
    const data = await open("0");
    return {
      write: (typed) => data.send(typed),
      output: bytesOf(data),
      [Symbol.dispose]: () => {
        control[Symbol.dispose]();
        data[Symbol.dispose]();
      },
    };
  } catch (error) {
    control[Symbol.dispose]();
    throw error;
  }
}

/** Whether what an output begins with is LXD's answer to who may not have the console. */
export const isConsoleRefusal = (shown: Buffer): boolean =>
  shown.length < REFUSED.length
    ? shown.length > 0 && REFUSED.startsWith(shown.toString("latin1"))
    : shown.toString("latin1").startsWith(REFUSED);

/** The last 128 KiB of what it has shown since it was started last; of a stopped one, before it ended. @throws not_found */
export async function readConsoleLog(server: LxdServer, instance: string, options?: CallOptions): Promise<Buffer> {
  const what = `read the console log of instance ${instance}`;
  const request = { method: "GET", path: lxdPath`/1.0/instances/${instance}/console` } as const;
  try {
    return await buffer((await server.open(what, request, options)).body);
  } catch (error) {
    // LXD stumbles over one that is empty.
    if (error instanceof Error && error.cause instanceof LxdRefusal && error.cause.status === 500)
      return Buffer.alloc(0);
    throw error;
  }
}

/** @throws not_found */
export async function clearConsoleLog(server: LxdServer, instance: string, options?: CallOptions): Promise<void> {
  const request = { method: "DELETE", path: lxdPath`/1.0/instances/${instance}/console` } as const;
  await server.tell(`clear the console log of instance ${instance}`, request, options);
}

/** An empty text message is the end. */
async function* bytesOf(socket: WebSocketConnection): AsyncGenerator<Buffer> {
  for await (const { isText, data } of socket.messages()) {
    if (isText) return;
    yield data;
  }
}
