// Asking a token server: by form with a password or a refresh token, by address where it knows no forms.
// @source containerd core/remotes/docker/auth/fetch.go; distribution spec "token", "oauth"
import * as z from "zod";
import { errorOf, unavailable } from "../../../core/errors.js";

/** A user's name with a password, or a refresh token. Sent to token servers, or to the host itself when that asks for it. */
export interface Login {
  /** "": the secret is a refresh token. */
  readonly username: string;
  /** The password or refresh token. */
  readonly secret: string;
}

/** Shown to the host itself, as it is, instead of whatever it asks for. */
export interface WholeHeader {
  /** The value of the Authorization header. */
  readonly header: string;
}

/** What lets somebody in at a host: a login, or a header shown as it is. */
export type Credentials = Login | WholeHeader;

/** Who may be let in at a host; undefined: nobody in particular. */
export type CredentialSource = (host: string) => Promise<Credentials | undefined>;

/** Where a host wants its tokens to come from. */
export interface TokenServer {
  readonly realm: string;
  /** "" for none. */
  readonly service: string;
}

export interface Token {
  readonly text: string;
  readonly lifeMs: number;
}

/** Sends one request for a token. Answers with status and text. */
export type TokenRequest = (
  url: string,
  init: { readonly method: "GET" | "POST"; readonly headers: Record<string, string>; readonly body?: string },
) => Promise<{ readonly status: number; readonly text: string }>;

const tokenSchema = z.object({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  expires_in: z.number().nullish(),
});

/** When the answer does not say. */
const DEFAULT_LIFE_S = 60;
const CLIENT_ID = "containerd-client";

export const basicHeader = ({ username, secret }: Login): string =>
  `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}`;

/** @throws unauthenticated when it gives none, unavailable when it cannot be asked now. Neither shows what was sent or received. */
export async function fetchToken(
  request: TokenRequest,
  server: TokenServer,
  scopes: readonly string[],
  credentials: Login | undefined,
): Promise<Token> {
  const { status, text } = await ask(request, server, scopes, credentials?.secret ? credentials : undefined);
  const { host } = new URL(server.realm);
  const what = `failed to fetch ${credentials?.secret ? "oauth" : "anonymous"} token`;
  if (status >= 500 || status === 429) throw unavailable(`${what}: ${host} answered with status ${status}`);
  if (status < 200 || status > 299) throw errorOf("unauthenticated", `${what}: ${host} answered with status ${status}`);
  const parsed = tokenSchema.safeParse(parseOrNothing(text));
  const token = parsed.data?.access_token || parsed.data?.token;
  if (!token || /[^\x21-\x7e]/.test(token)) throw errorOf("unauthenticated", `${what}: ${host} sent none`);
  return { text: token, lifeMs: (parsed.data?.expires_in || DEFAULT_LIFE_S) * 1_000 };
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's words would quote the text, which may hold a token.
    return undefined;
  }
}

async function ask(
  request: TokenRequest,
  { realm, service }: TokenServer,
  scopes: readonly string[],
  credentials: Login | undefined,
) {
  if (credentials !== undefined) {
    const { username, secret } = credentials;
    const form = new URLSearchParams({ service, client_id: CLIENT_ID, scope: scopes.join(" ") });
    if (username === "") {
      form.set("grant_type", "refresh_token");
      form.set("refresh_token", secret);
    } else {
      form.set("grant_type", "password");
      form.set("username", username);
      form.set("password", secret);
    }
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    const reply = await request(realm, { method: "POST", headers, body: form.toString() });
    // Servers that know no forms.
    const isUnknown = [400, 401, 404].includes(reply.status) || (reply.status === 405 && username !== "");
    if (!isUnknown) return reply;
  }
  const url = new URL(realm);
  if (service !== "") url.searchParams.append("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const headers: Record<string, string> = {};
  if (credentials !== undefined) headers["authorization"] = basicHeader(credentials);
  return await request(url.toString(), { method: "GET", headers });
}
