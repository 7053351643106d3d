// The files of a container that a Docker engine keeps, as the engine gives and takes them: in archives.
// @source Docker Engine API v1.41, "ContainerArchive", "ContainerArchiveInfo", "PutContainerArchive", "ContainerList"
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import * as z from "zod";
import { failedPrecondition, notFound, notImplemented, unavailable, wrapError } from "../../core/errors.js";

const DEFAULT_HOST = "unix:///var/run/docker.sock";
const API = "/v1.41";
const MAX_ANSWER_BYTES = 1024 * 1024;
const FOLDER_BIT = 2 ** 31;
const LINK_BIT = 2 ** 27;

const listSchema = z.array(z.object({ Id: z.string().regex(/^[0-9a-f]{64}$/) }));
const statSchema = z.object({ name: z.string(), mode: z.number(), linkTarget: z.string().default("") });
const messageSchema = z.object({ message: z.string() });

export interface EngineStat {
  readonly name: string;
  readonly kind: "folder" | "link" | "other";
  /** Of a link: where it leads within the container. */
  readonly linkTarget: string;
}

/** One container of an engine. */
export class DockerArchives {
  readonly #socketPath: string;
  readonly #id: string;

  private constructor(socketPath: string, id: string) {
    this.#socketPath = socketPath;
    this.#id = id;
  }

  /**
   * Finds the container of a task by its labels, at the engine of `DOCKER_HOST` or of this machine.
   * @throws unavailable, not_implemented for an engine that is not behind a socket of this machine, failed_precondition without a
   * container, or with several.
   */
  static async find(namespace: string, id: string): Promise<DockerArchives> {
    const host = process.env["DOCKER_HOST"] || DEFAULT_HOST;
    if (!host.startsWith("unix:///")) {
      throw notImplemented(`container "${id}": its files can be had of an engine on this machine, not of ${host}`);
    }
    const socketPath = host.slice("unix://".length);
    const label = [`io.berth.namespace=${namespace}`, `io.berth.id=${id}`];
    const query = new URLSearchParams({ all: "1", filters: JSON.stringify({ label }) });
    const answer = await ask(socketPath, "GET", `/containers/json?${query}`);
    const found = listSchema.parse(JSON.parse((await readAll(answer)).toString()));
    const [first, ...more] = found;
    if (first === undefined)
      throw failedPrecondition(`container "${id}" has no files before it runs: ${host} has none of it`);
    if (more.length > 0) throw failedPrecondition(`container "${id}": several containers of ${host} are said to be it`);
    return new DockerArchives(socketPath, first.Id);
  }

  /** Undefined when nothing is there. */
  async stat(path: string): Promise<EngineStat | undefined> {
    const answer = await this.#ask("HEAD", path);
    answer.resume();
    if (answer.statusCode === 404) return undefined;
    const header = answer.headers["x-docker-container-path-stat"];
    if (typeof header !== "string")
      throw unavailable(`docker does not tell what ${path} is (status ${answer.statusCode})`);
    const { name, mode, linkTarget } = statSchema.parse(JSON.parse(Buffer.from(header, "base64").toString()));
    const has = (bit: number): boolean => Math.floor(mode / bit) % 2 === 1;
    return { name, kind: has(FOLDER_BIT) ? "folder" : has(LINK_BIT) ? "link" : "other", linkTarget };
  }

  /** What is at the path under its own name. @throws not_found. */
  async *read(path: string): AsyncGenerator<Uint8Array> {
    const answer = await this.#ask("GET", path);
    if (answer.statusCode === 404) throw notFound(`${path}: no such file or folder`);
    await requireDone(answer, path);
    yield* answer as AsyncIterable<Uint8Array>;
  }

  /** Unpacks into a folder that is there. */
  async write(path: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
    const answer = await this.#ask("PUT", path, archive);
    await requireDone(answer, path);
    answer.resume();
  }

  async #ask(method: string, path: string, body?: AsyncIterable<Uint8Array>): Promise<IncomingMessage> {
    const query = new URLSearchParams({ path, ...(body !== undefined && { noOverwriteDirNonDir: "true" }) });
    return await ask(this.#socketPath, method, `/containers/${this.#id}/archive?${query}`, body);
  }
}

async function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: AsyncIterable<Uint8Array>,
): Promise<IncomingMessage> {
  const headers = body === undefined ? {} : { "content-type": "application/x-tar" };
  const call = request({ socketPath, method, path: API + path, headers });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    call.once("response", resolve);
    call.once("error", (error) => reject(unavailable(`docker engine at ${socketPath}: ${error.message}`, error)));
  });
  if (body === undefined) {
    call.end();
    return await answered;
  }
  // A refusal may come before all is sent.
  let isAnswered = false;
  const note = (): void => {
    isAnswered = true;
  };
  const settled = answered.then(note, note);
  try {
    for await (const chunk of body) {
      if (isAnswered) break;
      if (!call.write(chunk)) await Promise.race([once(call, "drain"), settled]);
    }
  } catch (error) {
    call.destroy();
    throw error;
  }
  call.end();
  return await answered;
}

async function requireDone(answer: IncomingMessage, path: string): Promise<void> {
  const { statusCode = 0 } = answer;
  if (statusCode >= 200 && statusCode < 300) return;
  const parsed = messageSchema.safeParse(jsonOf(await readAll(answer)));
  const why = parsed.success ? parsed.data.message : `status ${statusCode}`;
  throw statusCode === 404 ? notFound(`${path}: ${why}`) : failedPrecondition(`${path}: ${why}`);
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw wrapError("docker's answer", error);
  }
}

async function readAll(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw unavailable("docker's answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
