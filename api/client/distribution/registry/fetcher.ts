// Fetching objects: manifests by digest, blobs by digest or from where their descriptors say, resumed where a connection broke.
// @source containerd core/remotes/docker/fetcher.go, core/remotes/docker/httpreadseeker.go
import { errorKind, failedPrecondition, notFound, unavailable } from "../../../core/errors.js";
import type { Reference } from "../../../core/reference.js";
import type { ChildDescriptor } from "../manifest.js";
import { isIndex, isManifest } from "../media-types.js";
import type { Fetcher } from "../transport.js";
import { drop, headerOf, type Response } from "./http.js";
import { accessProblem } from "./problems.js";
import { type HostClient, pause } from "./requests.js";

/** Tries in a row that bring nothing. */
const MAX_IDLE_TRIES = 3;
const FIRST_WAIT_MS = 50;

interface Opened {
  readonly response: Response;
  /** Bytes in front of what was asked for. */
  readonly skipBytes: number;
}

/** What of an answer is wanted; the whole body when the host did not understand that only a part is. @throws unavailable for another part. */
function opened(response: Response, offsetBytes: number): Opened {
  const range = headerOf(response, "content-range");
  const isPart = response.status === 206 || range !== undefined;
  if (!isPart) return { response, skipBytes: offsetBytes };
  if (range === undefined || range.startsWith(`bytes ${offsetBytes}-`)) return { response, skipBytes: 0 };
  drop(response);
  throw unavailable(`${new URL(response.url).host} answered with range "${range}" instead of bytes ${offsetBytes}-`);
}

/** What is behind the first `skipBytes` of a body. */
async function* bodyOf({ response, skipBytes }: Opened): AsyncGenerator<Uint8Array> {
  let skip = skipBytes;
  for await (const chunk of response.body) {
    const bytes: Buffer = chunk;
    if (skip < bytes.length) yield bytes.subarray(skip);
    skip = Math.max(0, skip - bytes.length);
  }
}

export class RegistryFetcher implements Fetcher {
  readonly #clients: () => Promise<readonly HostClient[]>;
  readonly #reference: Reference;

  constructor(reference: Reference, clients: () => Promise<readonly HostClient[]>) {
    this.#reference = reference;
    this.#clients = clients;
  }

  async *fetch(descriptor: ChildDescriptor, offsetBytes: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const { digest, sizeBytes } = descriptor;
    let doneBytes = offsetBytes;
    for (let idleTries = 0; ; ) {
      const before = doneBytes;
      try {
        for await (const chunk of bodyOf(await this.#open(descriptor, doneBytes, signal))) {
          doneBytes += chunk.length;
          if (doneBytes > sizeBytes) throw failedPrecondition(`${digest} is longer than its ${sizeBytes} bytes`);
          yield chunk;
        }
        if (doneBytes >= sizeBytes) return;
        throw unavailable(`${this.#reference.host} ended ${digest} after ${doneBytes} of ${sizeBytes} bytes`);
      } catch (error) {
        signal?.throwIfAborted();
        idleTries = doneBytes > before ? 0 : idleTries + 1;
        if (isFinal(error)) throw error;
        if (idleTries >= MAX_IDLE_TRIES) throw errorKind(error) === "unavailable" ? error : this.#cut(digest, error);
        await pause(FIRST_WAIT_MS * 2 ** idleTries, signal);
      }
    }
  }

  #cut(digest: string, error: unknown): Error {
    const why = error instanceof Error ? error.message : String(error);
    return unavailable(`fetching ${digest} from ${this.#reference.host}: ${why}`, error);
  }

  /** From the first host that has it. */
  async #open(descriptor: ChildDescriptor, offset: number, signal: AbortSignal | undefined): Promise<Opened> {
    const { repository } = this.#reference;
    const { digest, mediaType, urls = [] } = descriptor;
    const accept = mediaType === "" ? "*/*" : `${mediaType}, */*`;
    const headers = { accept, ...(offset > 0 && { range: `bytes=${offset}-` }) };
    const scopes = [`repository:${repository}:pull`];
    const isDocument = isIndex(mediaType) || isManifest(mediaType);
    const paths = isDocument
      ? [`/${repository}/manifests/${digest}`]
      : [...urls.filter((url) => /^https?:\/\//.test(url)), `/${repository}/blobs/${digest}`];
    const problems: unknown[] = [];
    for (const client of await this.#clients()) {
      if (!client.host.capabilities.has("pull")) continue;
      for (const path of paths) {
        try {
          const response = await client.request(path, { method: "GET", headers, scopes, signal });
          if (response.status === 200 || response.status === 206) return opened(response, offset);
          problems.push(await accessProblem(response, this.#reference, `fetching ${digest}`));
        } catch (error) {
          signal?.throwIfAborted();
          problems.push(error);
        }
      }
    }
    // What another try may mend counts most, since it is then worth one.
    throw (
      problems.find((problem) => !isFinal(problem)) ?? problems.at(-1) ?? notFound(`${this.#reference.text}: no host`)
    );
  }
}

/** Whether another try would end the same way. A connection that breaks is of no kind. */
const isFinal = (error: unknown): boolean => !["unavailable", "unknown"].includes(errorKind(error));
