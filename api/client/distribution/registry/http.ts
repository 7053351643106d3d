// Single requests over HTTP: connections with a host's certificates, through the environment's proxies, and what answers hold.
// undici is loaded with the first request: most commands never send one.
import { createSecureContext } from "node:tls";
import type { Dispatcher } from "undici";
import { failedPrecondition, invalidArgument, unavailable } from "../../../core/errors.js";
import { systemAuthorities } from "./authorities.js";
import type { RegistryHost } from "./host.js";
import { answerHead, connectionLine, type HttpWatcher, requestHead, toldLookup } from "./http-log.js";
import { proxyFor } from "./proxies.js";

const CONNECT_TIMEOUT_MS = 30_000;
export const IDLE_TIMEOUT_MS = 60_000;
/** A registry may have to hash and move a blob before it confirms that it is there. */
const CONFIRM_TIMEOUT_MS = 900_000;
const MAX_TEXT_BYTES = 1 << 20;
/** A longer rest of an answer costs more than a new connection. */
const MAX_DROPPED_BYTES = 1 << 16;

export type Method = "GET" | "HEAD" | "POST" | "PUT";

export interface HttpRequest {
  readonly method: Method;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array | string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** To be read or {@link drop}ped, or the connection stays taken. */
  readonly body: Dispatcher.ResponseData["body"];
  /** Where the answer came from, after redirects. */
  readonly url: string;
}

/** A header's value; of several the first. */
export function headerOf(response: Pick<Response, "headers">, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** All values of a header, as if sent in one. */
export function joinedHeader(response: Pick<Response, "headers">, name: string): string {
  const value = response.headers[name];
  return Array.isArray(value) ? value.join(", ") : (value ?? "");
}

/** Throws a body away behind the caller's back, so that the connection can be used again. */
export function drop({ body }: Response): void {
  body.on("error", () => {});
  void body.dump({ limit: MAX_DROPPED_BYTES }).catch(() => {});
}

/** A whole body of bounded length. @throws failed_precondition for a longer one. */
export async function bytesOf({ body, url }: Response, limitBytes = MAX_TEXT_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    const bytes: Buffer = chunk;
    sizeBytes += bytes.length;
    if (sizeBytes > limitBytes) throw failedPrecondition(`the answer of ${shownUrl(url)} exceeds ${limitBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Queries may carry signatures: they are not shown. */
export function shownUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error.message === "" && "code" in error) return String(error.code);
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}

/** Connections with the settings of one host, also to where it redirects and lets tokens be asked for. Dispose it to close them. */
export class HttpClient implements AsyncDisposable {
  readonly #host: RegistryHost;
  readonly #idleTimeoutMs: number;
  readonly #watcher: HttpWatcher;
  readonly #dispatchers = new Map<string, Promise<Dispatcher>>();

  constructor(host: RegistryHost, idleTimeoutMs: number, watcher: HttpWatcher = {}) {
    this.#host = host;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#watcher = watcher;
  }

  /** One request, without redirects. @throws unavailable when no answer comes. */
  async send(url: string, { method, headers, body, signal }: HttpRequest): Promise<Response> {
    signal?.throwIfAborted();
    const dispatcher = await this.#dispatcher(new URL(url));
    const { request } = await import("undici");
    const timeouts = {
      headersTimeout: method === "PUT" ? Math.max(CONFIRM_TIMEOUT_MS, this.#idleTimeoutMs) : this.#idleTimeoutMs,
      bodyTimeout: this.#idleTimeoutMs,
    };
    this.#watcher.onHead?.(requestHead(method, url, headers));
    try {
      const reply = await request(url, {
        dispatcher,
        method,
        headers: { ...headers },
        ...timeouts,
        ...(body !== undefined && { body: body as Dispatcher.DispatchOptions["body"] & {} }), // iterables are taken, the type omits them
        ...(signal !== undefined && { signal }),
      });
      this.#watcher.onHead?.(answerHead(reply.statusCode, reply.headers));
      return { status: reply.statusCode, headers: reply.headers, body: reply.body, url };
    } catch (error) {
      signal?.throwIfAborted();
      throw unavailable(`${method} ${shownUrl(url)} failed: ${reasonOf(error)}`, error);
    }
  }

  #dispatcher(url: URL): Promise<Dispatcher> {
    const proxy = proxyFor(url, process.env);
    const key = `${url.protocol} ${proxy ?? ""}`;
    const known = this.#dispatchers.get(key);
    if (known !== undefined) return known;
    const made = this.#createDispatcher(url.protocol, proxy);
    this.#dispatchers.set(key, made);
    made.catch(() => this.#dispatchers.delete(key));
    return made;
  }

  async #createDispatcher(protocol: string, proxy: string | undefined): Promise<Dispatcher> {
    const { Agent, buildConnector, ProxyAgent } = await import("undici");
    const { onConnection } = this.#watcher;
    const timeout = this.#host.dialTimeoutMs ?? CONNECT_TIMEOUT_MS;
    const lookup = onConnection && toldLookup(onConnection);
    const connect = { ...(protocol === "https:" && (await this.#tls())), timeout, ...(lookup && { lookup }) };
    if (proxy === undefined && onConnection === undefined) return new Agent({ connect });
    if (proxy === undefined) {
      const connector = buildConnector(connect);
      return new Agent({
        connect: (options, callback) =>
          connector(options, (...[error, socket]) => {
            if (socket === null) return callback(error, null);
            onConnection?.(connectionLine(socket));
            callback(null, socket);
          }),
      });
    }
    // Plain http goes to a proxy as a whole address: many proxies open tunnels to port 443 alone.
    return new ProxyAgent({
      uri: proxy,
      proxyTunnel: false,
      requestTls: connect,
      proxyTls: { timeout, ...(lookup && { lookup }) },
    });
  }

  async #tls() {
    const { ca = [], clients = [], skipVerify = false } = this.#host.tls;
    // Node would pass over it without a word.
    if (!ca.every((text) => text.includes("-----BEGIN CERTIFICATE-----")))
      throw invalidArgument(`an authority for ${this.#host.name} is no certificate in PEM`);
    try {
      const secureContext = createSecureContext({
        // Unread where nothing is checked.
        ca: skipVerify ? [...ca] : [...(await systemAuthorities()), ...ca],
        ...(clients.length > 0 && {
          cert: clients.map(({ certificate }) => certificate),
          key: clients.map(({ key }) => key),
        }),
      });
      return { secureContext, rejectUnauthorized: !skipVerify };
    } catch (error) {
      throw invalidArgument(`the certificates for ${this.#host.name} are not understood: ${reasonOf(error)}`, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const made = await Promise.allSettled(this.#dispatchers.values());
    this.#dispatchers.clear();
    await Promise.all(made.map(async (result) => result.status === "fulfilled" && (await result.value.destroy())));
  }
}
