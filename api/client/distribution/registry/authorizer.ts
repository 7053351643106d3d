// Getting in: tokens and passwords for one host, asked for when the host wants them, kept until they expire.
// @source containerd core/remotes/docker/authorizer.go, core/remotes/docker/auth/fetch.go; distribution spec "token"
import { errorOf, invalidArgument } from "../../../core/errors.js";
import { type Challenge, parseChallenges } from "./challenge.js";
import {
  basicHeader,
  type CredentialSource,
  type Credentials,
  fetchToken,
  type Login,
  type Token,
  type TokenRequest,
  type TokenServer,
  type WholeHeader,
} from "./token.js";

export type { CredentialSource, Credentials, Login, WholeHeader } from "./token.js";

/** A token that is about to end is as good as none. */
const SPARE_MS = 2_000;

/** What a host said when it did not let somebody in. */
export interface Refusal {
  /** The WWW-Authenticate header. */
  readonly challenge: string;
  /** What the request needed. */
  readonly scopes: readonly string[];
  /** The Authorization header that was refused. */
  readonly sent: string | undefined;
  /** Whether the same request was challenged before. */
  readonly isChallenged: boolean;
}

interface KnownToken {
  readonly token: Promise<Token>;
  /** Once it is there. */
  text?: string;
  untilMs: number;
}

export class Authorizer {
  readonly #host: string;
  readonly #source: CredentialSource;
  readonly #request: TokenRequest;
  /** By scopes. */
  readonly #tokens = new Map<string, KnownToken>();
  /** What the host wants beside what a request is known to need, by that. */
  readonly #further = new Map<string, readonly string[]>();
  #scheme: TokenServer | WholeHeader | "basic" | undefined;
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(host: string, source: CredentialSource, request: TokenRequest) {
    this.#host = host;
    this.#source = source;
    this.#request = request;
  }

  /**
   * The Authorization header for a request that needs `scopes`; undefined while the host has not asked for one.
   * @throws unauthenticated, unavailable when the token server cannot be reached.
   */
  async header(scopes: readonly string[], signal?: AbortSignal): Promise<string | undefined> {
    const scheme = this.#scheme;
    if (scheme === undefined) return undefined;
    if (scheme !== "basic" && "header" in scheme) return scheme.header;
    // Tokens are shared between requests, so none of them may end the asking, but each may stop waiting for it.
    return await untilAborted(scheme === "basic" ? this.#basic() : this.#bearer(scheme, scopes), signal);
  }

  /**
   * Learns from a refusal what the host wants.
   * @returns whether another try may succeed.
   * @throws unauthenticated when there is nothing to show, or the host says what is wrong with what it was shown.
   */
  async learn({ challenge, scopes, sent, isChallenged }: Refusal): Promise<boolean> {
    if (challenge !== "") {
      const known = await this.#known();
      if (known !== undefined && "header" in known) {
        this.#scheme = known;
        return sent === undefined;
      }
    }
    const challenges = parseChallenges(challenge);
    const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && "realm" in parameters);
    if (bearer !== undefined) {
      this.#forget(sent);
      const problem = bearer.parameters["error"];
      if (isChallenged && problem !== undefined) {
        throw errorOf("unauthenticated", `server message: ${problem}: authorization failed`);
      }
      this.#scheme = toTokenServer(bearer);
      this.#further.set(scopes.join(" "), (bearer.parameters["scope"] ?? "").split(" "));
      return !isChallenged;
    }
    if (!challenges.some(({ scheme }) => scheme === "basic") || isChallenged || sent?.startsWith("Basic "))
      return false;
    await this.#basic();
    this.#scheme = "basic";
    return true;
  }

  /** Drops a token that was refused; those that were asked for since stay. */
  #forget(sent: string | undefined): void {
    for (const [scopes, { text }] of this.#tokens) {
      if (text !== undefined && sent === `Bearer ${text}`) this.#tokens.delete(scopes);
    }
  }

  /** Asked for once: behind it may be a program or a person. */
  #known(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#source(this.#host)
      .then(requireShowable)
      .catch((error: unknown) => {
        this.#credentials = undefined;
        throw error;
      });
    return this.#credentials;
  }

  async #login(): Promise<Login | undefined> {
    const known = await this.#known();
    return known === undefined || "header" in known ? undefined : known;
  }

  async #basic(): Promise<string> {
    const credentials = await this.#login();
    if (credentials === undefined || credentials.secret === "")
      throw errorOf("unauthenticated", `${this.#host}: no basic auth credentials`);
    return basicHeader(credentials);
  }

  async #bearer(server: TokenServer, wanted: readonly string[]): Promise<string> {
    const further = this.#further.get(wanted.join(" ")) ?? [];
    const scopes = [...new Set([...wanted, ...further])].filter((scope) => scope !== "").sort();
    const key = scopes.join(" ");
    const known = this.#tokens.get(key);
    if (known !== undefined && known.untilMs > Date.now()) return `Bearer ${(await known.token).text}`;
    const token = this.#login().then((credentials) => fetchToken(this.#request, server, scopes, credentials));
    const entry: KnownToken = { token, untilMs: Number.POSITIVE_INFINITY };
    this.#tokens.set(key, entry);
    try {
      const { text, lifeMs } = await token;
      entry.text = text;
      entry.untilMs = Date.now() + lifeMs - SPARE_MS;
      return `Bearer ${text}`;
    } catch (error) {
      if (this.#tokens.get(key) === entry) this.#tokens.delete(key);
      throw error;
    }
  }
}

/** An empty header is none. @throws invalid_argument for what cannot be sent as one. It is not shown. */
function requireShowable(credentials: Credentials | undefined): Credentials | undefined {
  if (credentials === undefined || !("header" in credentials)) return credentials;
  if (/[^\t\x20-\x7e]/.test(credentials.header))
    throw invalidArgument("the Authorization header holds what no header may");
  return credentials.header === "" ? undefined : credentials;
}

/** @throws unauthenticated for a realm that is no http address. */
function toTokenServer({ parameters }: Challenge): TokenServer {
  const { realm = "", service = "" } = parameters;
  if (!URL.canParse(realm) || !["http:", "https:"].includes(new URL(realm).protocol)) {
    throw errorOf("unauthenticated", "the realm of the challenge is no http address");
  }
  return { realm, service };
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  signal.throwIfAborted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
