// Fetching objects: manifests by digest, blobs by digest or from where their descriptors say, resumed where a connection broke.
// @source containerd core/remotes/docker/fetcher.go, core/remotes/docker/httpreadseeker.go
import { errorOf, notFound, unavailable } from "../../../core/errors.js";
import type { ChildDescriptor } from "../manifest.js";
import { isIndex, isManifest } from "../media-types.js";
import type { Reference } from "../reference.js";
import type { Fetcher } from "../transport.js";
import { type AccessProblem, accessProblem } from "./problems.js";
import { drop, type HostClient, headerOf, type Response } from "./requests.js";

/** Tries in a row that bring nothing. */
const MAX_IDLE_TRIES = 3;

const pullScope = (repository: string): string => `repository:${repository}:pull`;

/** An answer from `offsetBytes` on; a host that ignores the range sends bytes that are passed over. */
async function openAt(
  client: HostClient,
  path: string,
  accept: string,
  repository: string,
  offset: number,
  signal?: AbortSignal,
) {
  const headers = { accept, ...(offset > 0 && { range: `bytes=${offset}-` }) };
  const response = await client.request(path, { method: "GET", headers, scopes: [pullScope(repository)], signal });
  if (response.status === 206) {
    const range = headerOf(response, "content-range");
    if (range === undefined || range.startsWith(`bytes ${offset}-`)) return { response, skipBytes: 0 };
    await drop(response);
    throw unavailable(`${client.host.name} answered with range ${range} instead of bytes ${offset}-`);
  }
  return { response, skipBytes: offset };
}

/** What is behind the first `skipBytes` of a body. */
async function* bodyOf(response: Response, skipBytes: number): AsyncGenerator<Uint8Array> {
  let skip = skipBytes;
  for await (const chunk of response.body) {
    const bytes: Buffer = chunk;
    if (skip >= bytes.length) {
      skip -= bytes.length;
      continue;
    }
    yield skip > 0 ? bytes.subarray(skip) : bytes;
    skip = 0;
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
        const { response, skipBytes } = await this.#open(descriptor, doneBytes, signal);
        for await (const chunk of bodyOf(response, skipBytes)) {
          doneBytes += chunk.length;
          if (sizeBytes > 0 && doneBytes > sizeBytes) {
            await drop(response);
            throw errorOf("failed_precondition", `${digest} is longer than its ${sizeBytes} bytes`);
          }
          yield chunk;
        }
        if (sizeBytes === 0 || doneBytes >= sizeBytes) return;
        throw unavailable(`${this.#reference.host} ended ${digest} after ${doneBytes} of ${sizeBytes} bytes`);
      } catch (error) {
        signal?.throwIfAborted();
        if (isFinal(error)) throw error;
        idleTries = doneBytes > before ? 0 : idleTries + 1;
        if (idleTries >= MAX_IDLE_TRIES) throw error;
      }
    }
  }

  /** From the first host that has it. */
  async #open(descriptor: ChildDescriptor, offset: number, signal: AbortSignal | undefined) {
    const { repository } = this.#reference;
    const { digest, mediaType } = descriptor;
    const isDocument = isIndex(mediaType) || isManifest(mediaType);
    const accept = mediaType === "" ? "*/*" : `${mediaType}, */*`;
    const paths = isDocument
      ? [`/${repository}/manifests/${digest}`]
      : [...(descriptor.urls ?? []).filter((url) => /^https?:\/\//.test(url)), `/${repository}/blobs/${digest}`];
    const problems: unknown[] = [];
    for (const client of await this.#clients()) {
      if (!client.host.capabilities.has("pull")) continue;
      for (const path of paths) {
        try {
          const opened = await openAt(client, path, accept, repository, offset, signal);
          const { status } = opened.response;
          if (status === 200 || status === 206) return opened;
          problems.push(await accessProblem(opened.response, this.#reference, `fetching ${digest}`));
        } catch (error) {
          signal?.throwIfAborted();
          problems.push(error);
        }
      }
    }
    throw worst(problems) ?? notFound(`${this.#reference.text}: no host to fetch ${digest} from`);
  }
}

/** Of all that went wrong: what another try may mend counts most, since it is then worth one. */
function worst(problems: readonly unknown[]): unknown {
  return problems.find((problem) => !isFinal(problem)) ?? problems.at(-1);
}

/** Whether another try would end the same way. */
function isFinal(error: unknown): boolean {
  const kind = error instanceof Error && "kind" in error ? (error as AccessProblem).kind : undefined;
  return kind !== undefined && kind !== "unavailable";
}
