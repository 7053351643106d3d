// The engine's HTTP, as far as stdio needs it: a few requests by hand, as the library for the rest of it takes long to load and puts
// the options of an attachment where a container would read them.
import { readFileSync } from "node:fs";
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { ContainerdError, type ErrorKind, unavailable } from "../../../api/core/errors.js";
import { systemReason } from "../../sys/system-text.js";
import { parseEngineHost } from "../engine-host.js";

/** For answers; a stream may then be silent for as long as it likes. */
const ANSWER_TIMEOUT_MS = 30_000;
/** So the engine answers where a stream was asked for, also when there is none. */
const RAW_STREAM = "application/vnd.docker.raw-stream";
const SWITCHING = 101;
const OK = 200;
const FIRST_FAILURE = 300;
const KINDS = new Map<number, ErrorKind>([
  [400, "invalid_argument"],
  [401, "permission_denied"],
  [403, "permission_denied"],
  [404, "not_found"],
  [409, "failed_precondition"],
]);

export interface EngineRequest {
  readonly host: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** With its query. */
  readonly path: string;
  /** Sent as JSON. Default: none. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks, and hands the connection over: what is written to it goes to the process, which reads the end when the writing side ends.
 * @throws by what the engine answers; unavailable when it cannot be reached.
 */
export async function openEngineStream(wanted: EngineRequest): Promise<Duplex> {
  const sent = send(wanted, { Connection: "Upgrade", Upgrade: "tcp" });
  return await new Promise<Duplex>((resolve, reject) => {
    sent.once("upgrade", (_answer: IncomingMessage, socket: Socket, head: Buffer) => {
      sent.setTimeout(0);
      socket.setTimeout(0);
      socket.setKeepAlive(true);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    sent.once("response", (answer) => {
      if (answer.statusCode === OK) {
        answer.destroy();
        reject(unavailable(`docker engine at ${wanted.host}: no stream, but an answer`));
      } else {
        failureOf(wanted, answer).then(reject, reject);
      }
    });
    sent.once("error", (error) => reject(unreachable(wanted, error)));
  });
}

/** @returns the answer's JSON; undefined without one. @throws as {@link openEngineStream}. */
export async function askEngine(wanted: EngineRequest): Promise<unknown> {
  const sent = send(wanted, {});
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve);
    sent.once("error", (error) => reject(unreachable(wanted, error)));
  });
  if ((answer.statusCode ?? SWITCHING) >= FIRST_FAILURE) throw await failureOf(wanted, answer);
  const said = await text(answer).catch((error: unknown) => {
    throw unreachable(wanted, error);
  });
  return said === "" ? undefined : (JSON.parse(said) as unknown);
}

function send({ host, method, path, body, signal }: EngineRequest, headers: Record<string, string>): ClientRequest {
  const content = body === undefined ? "" : JSON.stringify(body);
  const options: RequestOptions = {
    method,
    path,
    agent: false,
    headers: {
      // Said in any case: without it an engine takes what is typed for the request's body.
      "Content-Length": String(Buffer.byteLength(content)),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(signal === undefined ? {} : { signal }),
  };
  const sent = request(host, options);
  sent.setTimeout(ANSWER_TIMEOUT_MS, () => sent.destroy(new Error("it does not answer")));
  sent.end(content);
  return sent;
}

function request(host: string, options: RequestOptions): ClientRequest {
  const address = parseEngineHost(host, process.env);
  if (address.kind === "unix") return httpRequest({ ...options, hostname: "docker", socketPath: address.socketPath });
  const { hostname, port, tls } = address;
  if (tls === undefined) return httpRequest({ ...options, hostname, port });
  const [ca, cert, key] = [readFileSync(tls.ca), readFileSync(tls.cert), readFileSync(tls.key)];
  return httpsRequest({ ...options, hostname, port, ca, cert, key });
}

/** The engine's own words where it has some. */
async function failureOf({ host }: EngineRequest, answer: IncomingMessage): Promise<ContainerdError> {
  const status = answer.statusCode ?? 0;
  const said = await text(answer).catch(() => "");
  const words = answer.headers["content-type"] === RAW_STREAM ? said.trim() : messageIn(said);
  return new ContainerdError(KINDS.get(status) ?? "unknown", `docker engine at ${host}: ${words || status}`);
}

function messageIn(said: string): string {
  try {
    const parsed: unknown = JSON.parse(said);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) return String(parsed.message);
  } catch {
    // Whoever answered was no engine, and its page is of no use here.
  }
  return "";
}

function unreachable({ host, signal }: EngineRequest, error: unknown): unknown {
  if (signal?.aborted === true) return signal.reason;
  return unavailable(`docker engine at ${host}: ${systemReason(error)}`, error);
}
