// Requests to one host of a registry: authorised when it asks, redirected, tried again when that is worth it.
// @source containerd core/remotes/docker/resolver.go (request.doWithRetries)
import { setTimeout as delay } from "node:timers/promises";
import { isUnavailable, unavailable } from "../../../core/errors.js";
import { Authorizer, type CredentialSource } from "./authorizer.js";
import type { RegistryHost } from "./host.js";
import { bytesOf, drop, HttpClient, headerOf, joinedHeader, type Method, type Response } from "./http.js";
import type { HttpWatcher } from "./http-log.js";

const MAX_TRIES = 5;
/** Of what fails on the host's side. */
const MAX_FAILURES = 3;
const MAX_REDIRECTS = 10;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 10_000;

export interface RequestOptions {
  readonly method: Method;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each try. */
  readonly body?: (() => AsyncIterable<Uint8Array> | Uint8Array) | undefined;
  readonly scopes: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

export interface HostClientOptions {
  readonly credentials: CredentialSource;
  readonly userAgent: string;
  /** Longest silence of a host. */
  readonly idleTimeoutMs: number;
  /** The host of the reference, when this is a mirror of it: told to it as `ns`. */
  readonly namespace?: string | undefined;
  readonly watcher?: HttpWatcher | undefined;
  /** No other host can help when this one fails, so it is asked again. */
  readonly isLast: boolean;
}

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);
/** To send something again as it was. */
const isExactRedirect = (status: number): boolean => status === 307 || status === 308;
const isReading = (method: Method): boolean => method === "GET" || method === "HEAD";

/** Speaks to one host. Dispose it to close its connections. */
export class HostClient implements AsyncDisposable {
  readonly host: RegistryHost;
  readonly #http: HttpClient;
  readonly #authorizer: Authorizer;
  readonly #options: HostClientOptions;
  readonly #origin: string;

  constructor(host: RegistryHost, options: HostClientOptions) {
    this.host = host;
    this.#options = options;
    this.#origin = new URL(host.baseUrl).origin;
    this.#http = new HttpClient(host, options.idleTimeoutMs, options.watcher);
    this.#authorizer = new Authorizer(host.name, options.credentials, async (url, init) => {
      const headers = { "user-agent": options.userAgent, ...init.headers };
      const reply = await this.#http.send(url, { ...init, headers });
      return { status: reply.status, text: (await bytesOf(reply)).toString() };
    });
  }

  /**
   * `path` below the host's base, or a whole address that the host or a document has given. Answers with whatever status.
   * @throws unavailable when there is no answer, unauthenticated when it cannot be asked for properly.
   */
  async request(path: string, options: RequestOptions): Promise<Response> {
    const { method, scopes, signal } = options;
    const url = this.#address(path);
    let isChallenged = false;
    for (let tries = 1, failures = 0; ; tries += 1) {
      let waitMs = FIRST_WAIT_MS * 2 ** failures;
      try {
        const authorization = await this.#authorizer.header(scopes, signal);
        const response = await this.#follow(url, options, authorization);
        const { status } = response;
        if (tries >= MAX_TRIES) return response;
        // Another host's wishes, to which we were redirected, are none of ours: they would get our credentials.
        if (status === 401 && new URL(response.url).origin === this.#origin) {
          const challenge = joinedHeader(response, "www-authenticate");
          if (!(await this.#authorizer.learn({ challenge, scopes, sent: authorization, isChallenged })))
            return response;
          isChallenged = true;
          drop(response);
          continue;
        }
        const isBusy = status === 408 || status === 429;
        const isBroken = this.#options.isLast && isReading(method) && [500, 502, 503, 504].includes(status);
        if (isBroken) failures += 1;
        if (!isBusy && (!isBroken || failures >= MAX_FAILURES)) return response;
        waitMs = retryAfterMs(response) ?? waitMs;
        drop(response);
      } catch (error) {
        signal?.throwIfAborted();
        failures += 1;
        const isWorthATry = this.#options.isLast && isReading(method) && isUnavailable(error);
        if (!isWorthATry || failures >= MAX_FAILURES || tries >= MAX_TRIES) throw error;
      }
      await pause(waitMs, signal);
    }
  }

  #address(path: string): URL {
    if (/^https?:\/\//.test(path)) return new URL(path);
    const url = new URL(`${this.host.baseUrl}${path}`);
    const { namespace } = this.#options;
    if (namespace !== undefined) url.searchParams.set("ns", namespace);
    return url;
  }

  /** One try with its redirects. Only the host itself is shown who is asking. */
  async #follow(first: URL, options: RequestOptions, authorization: string | undefined): Promise<Response> {
    const { method, body, signal } = options;
    for (let url = first, redirects = 0; ; redirects += 1) {
      const isOwn = url.origin === this.#origin;
      const headers = {
        "user-agent": this.#options.userAgent,
        ...options.headers,
        ...(isOwn && this.host.headers),
        ...(isOwn && authorization !== undefined && { authorization }),
      };
      const response = await this.#http.send(url.toString(), { method, headers, body: body?.(), signal });
      const location = headerOf(response, "location");
      const isFollowed = isReading(method) ? isRedirect(response.status) : isExactRedirect(response.status);
      if (!isFollowed || location === undefined) return response;
      drop(response);
      if (redirects >= MAX_REDIRECTS) throw unavailable(`${first.host} redirects more than ${MAX_REDIRECTS} times`);
      if (!URL.canParse(location, url.href)) throw unavailable(`${url.host} redirects to no address`);
      const next = new URL(location, url);
      // Whoever was spoken to in secret must not send us where everybody can listen.
      if (next.protocol !== "https:" && next.protocol !== url.protocol) {
        throw unavailable(`${url.host} redirects from ${url.protocol} to ${next.protocol}`);
      }
      url = next;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]();
  }
}

/** What the host asks us to wait, up to ten seconds. */
function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(headerOf(response, "retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1_000, LONGEST_WAIT_MS) : undefined;
}

/** @throws the signal's reason. */
export async function pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(waitMs, undefined, { ...(signal && { signal }) }).catch(() => {});
  signal?.throwIfAborted();
}
