// Requests to one host of a registry: authorised when it asks, redirected, tried again when that is worth it.
// @source containerd core/remotes/docker/resolver.go (request.doWithRetries)
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { Agent, type Dispatcher, request as send } from "undici";
import { errorOf, unavailable } from "../../../core/errors.js";
import { Authorizer, type CredentialSource } from "./authorizer.js";
import type { RegistryHost } from "./host.js";

const MAX_TRIES = 5;
const MAX_REDIRECTS = 10;
const CONNECT_TIMEOUT_MS = 30_000;
/** Between two pieces of a body, and until the first of them. */
const IDLE_TIMEOUT_MS = 60_000;
const RETRY_WAIT_MS = 50;
const MAX_TEXT_BYTES = 1 << 20;

export interface RequestOptions {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each try. */
  readonly body?: (() => AsyncIterable<Uint8Array> | Uint8Array) | undefined;
  readonly scopes: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

export interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** To be read or dumped, or the connection stays taken. */
  readonly body: Readable;
  /** Where the answer came from, after redirects. */
  readonly url: string;
}

/** A header's value; of several the first. */
export function headerOf(response: Pick<Response, "headers">, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Reads a body to its end and throws it away, so that the connection can be used again. */
export async function drop(response: Response): Promise<void> {
  response.body.on("error", () => {});
  response.body.destroy();
}

/** A short body as text. */
export async function textOf(response: Response): Promise<string> {
  const bytes = await buffer(response.body);
  return bytes.subarray(0, MAX_TEXT_BYTES).toString();
}

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);

export interface HostClientOptions {
  readonly credentials: CredentialSource;
  readonly userAgent: string;
  /** The host of the reference, when this is a mirror of it: told to it as `ns`. */
  readonly namespace?: string | undefined;
}

/** Speaks to one host. Dispose it to close its connections. */
export class HostClient implements AsyncDisposable {
  readonly host: RegistryHost;
  readonly #agent: Agent;
  readonly #authorizer: Authorizer;
  readonly #options: HostClientOptions;

  constructor(host: RegistryHost, options: HostClientOptions) {
    this.host = host;
    this.#options = options;
    this.#agent = new Agent({
      connect: { ...host.tls, timeout: host.dialTimeoutMs ?? CONNECT_TIMEOUT_MS },
      headersTimeout: IDLE_TIMEOUT_MS,
      bodyTimeout: IDLE_TIMEOUT_MS,
    });
    this.#authorizer = new Authorizer(host.name, options.credentials, async (url, init) => {
      const reply = await this.#sendOnce(url, { ...init, headers: { ...init.headers } }, undefined);
      return { status: reply.status, text: await textOf(reply) };
    });
  }

  /** `path` below the host's base, or a whole address that the host itself has given. */
  async request(path: string, options: RequestOptions): Promise<Response> {
    const { namespace } = this.#options;
    const url = new URL(/^https?:\/\//.test(path) ? path : `${this.host.baseUrl}${path}`);
    if (namespace !== undefined) url.searchParams.set("ns", namespace);
    let hadTried = false;
    for (let tries = 1; ; tries += 1) {
      const authorization = await this.#authorizer.header(options.scopes);
      const response = await this.#follow(url, options, authorization);
      if (response.status === 401 && tries < MAX_TRIES) {
        const challenge = headerOf(response, "www-authenticate");
        if (challenge === undefined) return response;
        const again = await this.#authorizer.learn(joined(response, "www-authenticate"), hadTried);
        if (!again) return response;
        hadTried = true;
        await drop(response);
        continue;
      }
      if (![408, 429].includes(response.status) || tries >= MAX_TRIES) return response;
      await drop(response);
      await wait(retryAfterMs(response) ?? RETRY_WAIT_MS * tries, options.signal);
    }
  }

  /** One try with its redirects. Only the host itself is shown who is asking. */
  async #follow(first: URL, options: RequestOptions, authorization: string | undefined): Promise<Response> {
    let url = first;
    const own = new URL(this.host.baseUrl).host;
    for (let redirects = 0; ; redirects += 1) {
      const headers: Record<string, string> = { "user-agent": this.#options.userAgent, ...options.headers };
      if (url.host === own) {
        Object.assign(headers, this.host.headers);
        if (authorization !== undefined) headers["authorization"] = authorization;
      }
      const response = await this.#sendOnce(url.toString(), { ...options, headers }, options.signal);
      const location = headerOf(response, "location");
      const isSafe = options.method === "GET" || options.method === "HEAD";
      if (!isRedirect(response.status) || location === undefined || !isSafe) return response;
      await drop(response);
      if (redirects >= MAX_REDIRECTS) throw unavailable(`${first.host} redirects more than ${MAX_REDIRECTS} times`);
      const next = new URL(location, url);
      if (!["http:", "https:"].includes(next.protocol))
        throw unavailable(`${first.host} redirects to ${next.protocol}`);
      // Whoever was spoken to in secret must not send us where everybody can listen.
      if (url.protocol === "https:" && next.protocol === "http:") {
        throw errorOf("unavailable", `${url.host} redirects from https to http`);
      }
      url = next;
    }
  }

  async #sendOnce(
    url: string,
    init: Pick<RequestOptions, "method" | "headers"> & { readonly body?: RequestOptions["body"] | string },
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const body = typeof init.body === "function" ? init.body() : init.body;
    const isStream = body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array);
    const options: Dispatcher.RequestOptions = {
      method: init.method,
      headers: { ...init.headers },
      body: isStream ? iterableBody(body) : (body ?? null),
    } as Dispatcher.RequestOptions; // undici's type wants origin and path, which the address holds
    try {
      const reply = await send(url, { ...options, dispatcher: this.#agent, ...(signal && { signal }) });
      return { status: reply.statusCode, headers: reply.headers, body: reply.body, url };
    } catch (error) {
      signal?.throwIfAborted();
      throw unavailable(`${init.method} ${shownUrl(url)} failed: ${reasonOf(error)}`, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

async function* iterableBody(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* source;
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

const joined = (response: Response, name: string): string => {
  const value = response.headers[name];
  return Array.isArray(value) ? value.join(", ") : (value ?? "");
};

/** Seconds that the host asks us to wait, up to ten. */
function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(headerOf(response, "retry-after"));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 10) * 1_000 : undefined;
}

function wait(timeMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, timeMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
