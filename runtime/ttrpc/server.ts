// The serving side of ttrpc: what shims call to report events, and what our own shims are.
// @source containerd/ttrpc server.go
import { once } from "node:events";
import { unlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { type Logger, silentLogger } from "../../api/core/log.js";
import { hasCode } from "../sys/errno.js";
import { ServerConnection } from "./connection.js";
import { Router, type ServedService } from "./dispatch.js";

export type { ServedService } from "./dispatch.js";

export interface ServeOptions {
  /** Where to listen: the path of a unix socket, or a descriptor that listens already. */
  readonly path: string | { readonly fd: number };
  readonly services: readonly ServedService[];
  readonly log?: Logger;
  /** Permissions of the socket. Default: 0660. Not for a descriptor. */
  readonly mode?: number;
  /** How long disposing waits for handlers that do not heed their signal. Default: 1 second. */
  readonly drainTimeoutMs?: number;
  /** Called with the number of connections whenever one comes or has gone. */
  readonly onConnections?: (count: number) => void;
}

/** Disposing ends the connections, aborts the handlers' signals, waits for them, and removes the socket. */
export type TtrpcServer = AsyncDisposable;

const DEFAULT_MODE = 0o660;
const DEFAULT_DRAIN_TIMEOUT_MS = 1000;

/**
 * Serves until disposed. A socket that a dead server left behind is replaced.
 * @throws an Error with an errno code when it cannot listen, EADDRINUSE when somebody else does.
 */
export async function serveTtrpc(options: ServeOptions): Promise<TtrpcServer> {
  const { path, log = silentLogger, mode = DEFAULT_MODE } = options;
  const router = new Router(options.services);
  const connections = new Set<ServerConnection>();
  let open = 0;
  const server = createServer((socket) => {
    const connection = new ServerConnection(socket, router, log);
    connections.add(connection);
    void connection.done.finally(() => connections.delete(connection));
    open += 1;
    options.onConnections?.(open);
    socket.once("close", () => {
      open -= 1;
      options.onConnections?.(open);
    });
  });
  if (typeof path === "string") await listenOnPath(server, path, mode);
  else await listening(server.listen({ fd: path.fd }));
  // Accepting can fail for want of descriptors; that must not take the process down.
  server.on("error", (err) => log.error({ err }, "ttrpc server cannot accept"));
  return new ListeningServer(server, connections, options.drainTimeoutMs ?? DEFAULT_DRAIN_TIMEOUT_MS);
}

class ListeningServer implements TtrpcServer {
  readonly #server: Server;
  readonly #connections: ReadonlySet<ServerConnection>;
  readonly #drainTimeoutMs: number;
  #disposed: Promise<void> | undefined;

  constructor(server: Server, connections: ReadonlySet<ServerConnection>, drainTimeoutMs: number) {
    this.#server = server;
    this.#connections = connections;
    this.#drainTimeoutMs = drainTimeoutMs;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#close();
    return this.#disposed;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const open = [...this.#connections];
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#drainTimeoutMs);
    });
    await Promise.race([Promise.all(open.map((connection) => connection.drain())), expired]);
    clearTimeout(timer);
    for (const connection of open) connection.destroy();
    await closed;
  }
}

async function listening(server: Server): Promise<void> {
  if (!server.listening) await once(server, "listening");
}

async function listenOnPath(server: Server, path: string, mode: number): Promise<void> {
  try {
    await listenOnce(server, path, mode);
  } catch (error) {
    if (!hasCode(error, "EADDRINUSE") || (await isAnswering(path))) throw error;
    unlinkSync(path);
    await listenOnce(server, path, mode);
  }
}

async function listenOnce(server: Server, path: string, mode: number): Promise<void> {
  // bind(2) happens within listen(): the socket never has other permissions than these, not even for a moment.
  const mask = process.umask(0o777 & ~mode);
  try {
    server.listen({ path });
  } finally {
    process.umask(mask);
  }
  await listening(server);
}

async function isAnswering(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    return !hasCode(error, "ECONNREFUSED");
  } finally {
    socket.destroy();
  }
}
