// Getting in: tokens and passwords for one host, asked for when the host wants them, kept until they expire.
// @source containerd core/remotes/docker/authorizer.go, core/remotes/docker/auth/fetch.go; distribution spec "token"
import { z } from "zod";
import { errorOf } from "../../../core/errors.js";
import { type Challenge, parseChallenges } from "./challenge.js";

export interface Credentials {
  /** "" with a secret: the secret is a refresh token. */
  readonly username: string;
  readonly secret: string;
}

/** Who may be let in at a host; undefined: nobody in particular. */
export type CredentialSource = (host: string) => Promise<Credentials | undefined>;

/** Sends one request for a token. Answers with status and text. */
export type TokenRequest = (
  url: string,
  init: { readonly method: "GET" | "POST"; readonly headers: Record<string, string>; readonly body?: string },
) => Promise<{ readonly status: number; readonly text: string }>;

const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
});

/** As containerd assumes when the answer does not say. */
const DEFAULT_LIFE_S = 60;
/** A token that is about to end is as good as none. */
const SPARE_MS = 2_000;
const CLIENT_ID = "containerd-client";

interface Bearer {
  readonly kind: "bearer";
  readonly realm: string;
  readonly service: string;
  readonly scopes: readonly string[];
}

const basic = ({ username, secret }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}`;

export class Authorizer {
  readonly #host: string;
  readonly #credentials: CredentialSource;
  readonly #request: TokenRequest;
  readonly #tokens = new Map<string, { readonly token: Promise<string>; untilMs: number }>();
  #scheme: Bearer | { readonly kind: "basic" } | undefined;

  constructor(host: string, credentials: CredentialSource, request: TokenRequest) {
    this.#host = host;
    this.#credentials = credentials;
    this.#request = request;
  }

  /** The Authorization header for a request that needs `scopes`; undefined while the host has not asked for one. */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    const scheme = this.#scheme;
    if (scheme === undefined) return undefined;
    if (scheme.kind === "basic") return basic(await this.#require());
    return `Bearer ${await this.#token(scheme, scopes)}`;
  }

  /**
   * Learns from a 401 what the host wants.
   * @returns whether another try may succeed.
   * @throws unauthenticated when the host says what is wrong with what it was shown.
   */
  async learn(header: string, hadTried: boolean): Promise<boolean> {
    const challenges = parseChallenges(header);
    const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && "realm" in parameters);
    if (bearer !== undefined) {
      const problem = bearer.parameters["error"];
      if (hadTried && problem !== undefined) {
        this.#tokens.clear();
        throw errorOf("unauthenticated", `server message: ${problem}: authorization failed`);
      }
      this.#scheme = toBearer(bearer);
      if (hadTried) this.#tokens.clear();
      return !hadTried;
    }
    if (!challenges.some(({ scheme }) => scheme === "basic") || hadTried) return false;
    await this.#require();
    this.#scheme = { kind: "basic" };
    return true;
  }

  async #require(): Promise<Credentials> {
    const credentials = await this.#credentials(this.#host);
    if (credentials === undefined) throw errorOf("unauthenticated", "no basic auth credentials");
    return credentials;
  }

  #token(bearer: Bearer, wanted: readonly string[]): Promise<string> {
    const scopes = [...new Set([...bearer.scopes, ...wanted])].sort();
    const key = scopes.join(" ");
    const known = this.#tokens.get(key);
    if (known !== undefined && known.untilMs > Date.now()) return known.token;
    const fetching = this.#fetchToken(bearer, scopes);
    const entry = { token: fetching.then(({ token }) => token), untilMs: Number.POSITIVE_INFINITY };
    this.#tokens.set(key, entry);
    fetching.then(
      ({ lifeMs }) => {
        entry.untilMs = Date.now() + lifeMs - SPARE_MS;
      },
      () => this.#tokens.delete(key),
    );
    return entry.token;
  }

  async #fetchToken(bearer: Bearer, scopes: readonly string[]): Promise<{ token: string; lifeMs: number }> {
    const credentials = await this.#credentials(this.#host);
    const { status, text } = await this.#ask(bearer, scopes, credentials);
    if (status < 200 || status > 299) {
      throw errorOf(
        "unauthenticated",
        `failed to fetch ${credentials ? "oauth" : "anonymous"} token: status ${status}`,
      );
    }
    let parsed: z.infer<typeof tokenSchema>;
    try {
      parsed = tokenSchema.parse(JSON.parse(text));
    } catch {
      // The text may hold a token: it is not shown.
      throw errorOf("unauthenticated", `the token server ${new URL(bearer.realm).host} sent no token`);
    }
    const token = parsed.access_token || parsed.token;
    if (token === undefined || token === "") {
      throw errorOf("unauthenticated", `the token server ${new URL(bearer.realm).host} sent no token`);
    }
    return { token, lifeMs: Math.max(parsed.expires_in ?? DEFAULT_LIFE_S, DEFAULT_LIFE_S) * 1_000 };
  }

  async #ask(bearer: Bearer, scopes: readonly string[], credentials: Credentials | undefined) {
    const { realm, service } = bearer;
    if (credentials !== undefined && credentials.secret !== "") {
      const form = new URLSearchParams({ service, client_id: CLIENT_ID, scope: scopes.join(" ") });
      if (credentials.username === "") {
        form.set("grant_type", "refresh_token");
        form.set("refresh_token", credentials.secret);
      } else {
        form.set("grant_type", "password");
        form.set("username", credentials.username);
        form.set("password", credentials.secret);
      }
      const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
      const reply = await this.#request(realm, { method: "POST", headers, body: form.toString() });
      const isUnknown = [400, 401, 404].includes(reply.status) || (reply.status === 405 && credentials.username !== "");
      if (!isUnknown || credentials.username === "") return reply;
    }
    const url = new URL(realm);
    if (service !== "") url.searchParams.append("service", service);
    for (const scope of scopes) url.searchParams.append("scope", scope);
    const headers: Record<string, string> = {};
    if (credentials !== undefined && credentials.secret !== "") headers["authorization"] = basic(credentials);
    return await this.#request(url.toString(), { method: "GET", headers });
  }
}

/** @throws unauthenticated for a realm that is no http address. */
function toBearer({ parameters }: Challenge): Bearer {
  const { realm = "", service = "", scope = "" } = parameters;
  if (!URL.canParse(realm) || !["http:", "https:"].includes(new URL(realm).protocol)) {
    throw errorOf("unauthenticated", `the realm ${JSON.stringify(realm)} is no http address`);
  }
  return { kind: "bearer", realm, service, scopes: scope === "" ? [] : scope.split(" ") };
}
