// The gRPC server on a unix socket or a TCP port: accepts connections itself, so that each call knows who is at the other end, and
// stops in order: what waits is ended, what works may finish, what hangs is cut off.
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Service } from "../../api/core/handler.js";
import type { Logger } from "../../api/core/log.js";
import { peerCredentials } from "../../runtime/sys/peer.js";
import { OpenCalls, withDeadline } from "../open-calls.js";
import { adaptService } from "./adapter.js";
import { peerName } from "./request-context.js";
import { listenOnSocket, prepareSocketPath } from "./socket.js";
import { widenWindows } from "./windows.js";

/** containerd's limit, both ways. */
export const MAX_MESSAGE_BYTES = 16 << 20;
const STOP_DEADLINE_MS = 5_000;

/** What is served, wherever that is. */
export interface ServedOptions {
  readonly services: readonly Service[];
  readonly log: Logger;
  /** How long calls may take to finish when the server stops. Default: 5 s. */
  readonly stopDeadlineMs?: number;
}

export interface GrpcServerOptions extends ServedOptions {
  /** Path of the unix socket, absolute, at most 107 bytes. */
  readonly path: string;
}

export interface GrpcServer extends AsyncDisposable {
  readonly path: string;
}

/** Serves until disposed; disposing removes the socket. @throws failed_precondition when somebody else serves there. */
export async function serveGrpc(options: GrpcServerOptions): Promise<GrpcServer> {
  const { path, log } = options;
  await prepareSocketPath(path);
  const listener = createServer();
  listener.on("connection", (socket) => nameThePeer(socket, log));
  const serving = serveOn(listener, options);
  await listenOnSocket(listener, path);
  return { path, [Symbol.asyncDispose]: () => serving[Symbol.asyncDispose]() };
}

/** Answers whoever connects to a listener, which is to listen afterwards; disposing closes it. */
export function serveOn(listener: NetServer, options: ServedOptions): AsyncDisposable {
  const { log } = options;
  const calls = new OpenCalls();
  const grpc = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.enable_channelz": 0,
  });
  for (const service of options.services) {
    const { definition, implementation } = adaptService(service, { log, calls, maxMessageBytes: MAX_MESSAGE_BYTES });
    grpc.addService(definition, implementation);
  }
  widenWindows(grpc);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  listener.on("connection", (socket) => {
    socket.on("error", (error) => log.debug({ err: error }, "connection failed"));
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  listener.once("listening", () => {
    // Accepting can fail, for want of descriptors; that must not take the daemon down.
    listener.on("error", (err) => log.error({ err }, "cannot accept connections"));
  });
  const scope = new DisposeScope();
  scope.defer(() => stop(listener, grpc, calls, sockets, options.stopDeadlineMs ?? STOP_DEADLINE_MS));
  return scope;
}

/** A unix socket has no remote address; its place carries the peer's credentials to `getPeer()` of every call. */
function nameThePeer(socket: Socket, log: Logger): void {
  // Node keeps the descriptor on the handle and offers no other way to it.
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } };
  try {
    const value = peerName(peerCredentials(handle?.fd ?? -1));
    Object.defineProperty(socket, "remoteAddress", { value });
  } catch (error) {
    log.warn({ err: error }, "cannot tell who connected");
  }
}

async function stop(
  listener: NetServer,
  grpc: Server,
  calls: OpenCalls,
  sockets: ReadonlySet<Socket>,
  deadlineMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
  await calls.end(deadlineMs);
  // GOAWAY first, and a moment for the last replies to leave; then whatever is still connected is cut off. From Node 24 on the
  // shutdown is said to be over when it has begun, so the connections themselves are looked at as well.
  const shutDown = new Promise<void>((resolve) => grpc.tryShutdown(() => resolve()));
  await withDeadline(Promise.all([shutDown, ...[...sockets].map(whenClosed)]), 500);
  grpc.forceShutdown();
  for (const socket of sockets) socket.destroy();
  await closed;
}

const whenClosed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", () => resolve()));
