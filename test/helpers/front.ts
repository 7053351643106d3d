// A server in front of a registry that notes every request and can misbehave on demand: cut, delay, redirect, refuse, lie.
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { DisposeScope } from "../../api/core/dispose.js";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
}

/** Handles a request, or hands it on to the registry by `forward`. */
export type Answer = (request: IncomingMessage, response: ServerResponse, forward: () => void) => unknown;

export interface Front {
  /** Host and port. */
  readonly host: string;
  readonly url: string;
  /** What has come, in its order. */
  readonly seen: SeenRequest[];
  /** What is done with requests from now on. Default: all are forwarded. */
  answer: Answer;
}

export interface FrontOptions {
  /** Where requests are forwarded to; without it nothing can be. */
  readonly target?: string;
  /** A certificate of the client is asked for when an authority is given, and taken or not without complaint. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  readonly answer?: Answer;
}

/** Listens on a free port of loopback until the scope ends. */
export async function startFront(scope: DisposeScope, options: FrontOptions = {}): Promise<Front> {
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (options.target === undefined) throw new Error("there is nothing behind this front");
    const { method, headers } = incoming;
    const onward = request(new URL(incoming.url ?? "", options.target), { method, headers }, (reply) => {
      outgoing.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  };
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = "", url = "", headers } = incoming;
    front.seen.push({ method, url, headers: { ...headers } });
    incoming.on("error", () => {});
    void Promise.resolve(front.answer(incoming, outgoing, () => forward(incoming, outgoing))).catch((error: unknown) =>
      outgoing.destroy(error instanceof Error ? error : undefined),
    );
  };
  const server =
    options.tls === undefined
      ? createServer(onRequest)
      : createTlsServer(
          { ...options.tls, requestCert: options.tls.ca !== undefined, rejectUnauthorized: false },
          onRequest,
        );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.defer(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const host = `127.0.0.1:${port}`;
  const front: Front = {
    host,
    url: `${options.tls === undefined ? "http" : "https"}://${host}`,
    seen: [],
    answer: options.answer ?? ((_request, _response, onward) => onward()),
  };
  return front;
}

/** A whole small answer. */
export function reply(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  body: string | Uint8Array = "",
): void {
  response.writeHead(
    status,
    Object.fromEntries(
      Object.entries(headers).map(([key, value]) => [key, typeof value === "string" ? value : [...value]]),
    ),
  );
  response.end(body);
}
