// Tokens in front of a registry: a host that lets nobody in without one, and the server that hands them out.
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Answer, type Front, reply, startFront } from "./front.js";

export interface TokenRequestSeen {
  readonly method: string;
  /** Of the form or the query. */
  readonly parameters: URLSearchParams;
  readonly authorization: string | undefined;
}

export interface Tokens {
  /** What the token server was asked. */
  readonly asked: TokenRequestSeen[];
  /** Status for forms; 200: they are understood. Default: 200. */
  formStatus: number;
  /** Seconds that tokens live. Default: 300. */
  lifeS: number;
  /** The `error` of challenges to requests that carry a token; undefined: all tokens of this server are taken. */
  problem: string | undefined;
  /** None of the tokens so far is taken any more. */
  revoke(): void;
}

/** Puts tokens in front of `front`, which goes on answering whoever has one. */
export async function requireTokens(scope: DisposeScope, front: Front): Promise<Tokens> {
  const valid = new Set<string>();
  let made = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "", "http://localhost");
    const body = (await buffer(request)).toString();
    const isForm = request.method === "POST";
    const parameters = isForm ? new URLSearchParams(body) : url.searchParams;
    tokens.asked.push({ method: request.method ?? "", parameters, authorization: request.headers.authorization });
    if (isForm && tokens.formStatus !== 200) return reply(response, tokens.formStatus);
    made += 1;
    valid.add(`token-${made}`);
    const name = isForm ? "access_token" : "token";
    return reply(response, 200, {}, JSON.stringify({ [name]: `token-${made}`, expires_in: tokens.lifeS }));
  };
  const server = await startFront(scope, { answer });
  const tokens: Tokens = {
    asked: [],
    formStatus: 200,
    lifeS: 300,
    problem: undefined,
    revoke: () => valid.clear(),
  };
  const behind: Answer = front.answer;
  front.answer = (request, response, forward) => {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1];
    if (token !== undefined && valid.has(token) && tokens.problem === undefined) {
      delete request.headers.authorization;
      return behind(request, response, forward);
    }
    const error = token !== undefined && tokens.problem !== undefined ? `,error="${tokens.problem}"` : "";
    const challenge = `Bearer realm="${server.url}/token",service="the registry",scope="repository:team/app:pull"${error}`;
    request.resume();
    return reply(response, 401, { "www-authenticate": challenge });
  };
  return tokens;
}
