// Pushing objects: blobs in one upload each, or mounted from another repository; manifests under their digest or tag.
// @source containerd core/remotes/docker/pusher.go
import type { Descriptor } from "../../../core/descriptor.js";
import { errorOf, isUnavailable, notFound, unavailable } from "../../../core/errors.js";
import type { Reference } from "../../../core/reference.js";
import { isIndex, isManifest } from "../media-types.js";
import type { Pusher, PushSource } from "../transport.js";
import { drop, headerOf, type Response } from "./http.js";
import { accessProblem } from "./problems.js";
import { type HostClient, pause } from "./requests.js";

const MAX_TRIES = 3;
const FIRST_WAIT_MS = 50;
const DONE = [200, 201, 202, 204];

export class RegistryPusher implements Pusher {
  readonly #reference: Reference;
  readonly #target: Descriptor;
  readonly #clients: () => Promise<readonly HostClient[]>;

  constructor(reference: Reference, target: Descriptor, clients: () => Promise<readonly HostClient[]>) {
    this.#reference = reference;
    this.#target = target;
    this.#clients = clients;
  }

  async push(descriptor: Descriptor, source: PushSource, signal?: AbortSignal): Promise<boolean> {
    const client = (await this.#clients()).find(({ host }) => host.capabilities.has("push"));
    if (client === undefined) throw notFound(`${this.#reference.text}: no host to push to`);
    const isDocument = isIndex(descriptor.mediaType) || isManifest(descriptor.mediaType);
    for (let tries = 1; ; tries += 1) {
      try {
        return isDocument
          ? await this.#pushManifest(client, descriptor, source, signal)
          : await this.#pushBlob(client, descriptor, source, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (!isUnavailable(error) || tries >= MAX_TRIES) throw error;
        await pause(FIRST_WAIT_MS * 2 ** tries, signal);
      }
    }
  }

  /** Scopes to write here, and to read where a blob may be mounted from. */
  #scopes(mountFrom?: string): string[] {
    const own = `repository:${this.#reference.repository}:pull,push`;
    return mountFrom === undefined ? [own] : [own, `repository:${mountFrom}:pull`];
  }

  async #problem(response: Response, what: string): Promise<Error> {
    return await accessProblem(response, this.#reference, what, "push");
  }

  /** Whether the registry has exactly this under `path`. */
  async #has(client: HostClient, path: string, descriptor: Descriptor, signal?: AbortSignal): Promise<boolean> {
    const headers = { accept: `${descriptor.mediaType}, */*` };
    const response = await client.request(path, { method: "HEAD", headers, scopes: this.#scopes(), signal });
    drop(response);
    if (response.status === 404) return false;
    if (response.status === 200) {
      const found = headerOf(response, "docker-content-digest");
      // A tag may stand for something else; what was asked for by digest can only be that.
      return found === descriptor.digest || (found === undefined && path.endsWith(descriptor.digest));
    }
    throw await this.#problem(response, `looking for ${descriptor.digest}`);
  }

  async #pushManifest(client: HostClient, descriptor: Descriptor, source: PushSource, signal?: AbortSignal) {
    const { digest, mediaType, sizeBytes } = descriptor;
    const { repository, tag } = this.#reference;
    const isTagged = digest === this.#target.digest && tag !== undefined;
    const path = `/${repository}/manifests/${isTagged ? tag : digest}`;
    if (await this.#has(client, path, descriptor, signal)) return false;
    const chunks: Uint8Array[] = [];
    for await (const chunk of source.bytes()) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const response = await client.request(path, {
      method: "PUT",
      headers: { "content-type": mediaType },
      body: () => bytes,
      scopes: this.#scopes(),
      signal,
    });
    await this.#requireStored(response, digest);
    source.onProgress?.(sizeBytes);
    return true;
  }

  async #pushBlob(client: HostClient, descriptor: Descriptor, source: PushSource, signal?: AbortSignal) {
    const { digest, sizeBytes } = descriptor;
    const { repository } = this.#reference;
    if (await this.#has(client, `/${repository}/blobs/${digest}`, descriptor, signal)) return false;
    const location = await this.#openUpload(client, digest, source.mountFrom, signal);
    if (location === undefined) return false;
    location.searchParams.set("digest", digest);
    const body = () => counted(source, sizeBytes);
    const response = await client.request(location.toString(), {
      method: "PUT",
      headers: { "content-type": "application/octet-stream", "content-length": String(sizeBytes) },
      body,
      scopes: this.#scopes(),
      signal,
    });
    await this.#requireStored(response, digest);
    return true;
  }

  /** Where to send a blob; undefined when it was mounted from elsewhere. */
  async #openUpload(client: HostClient, digest: string, mountFrom: readonly string[], signal?: AbortSignal) {
    const [from] = mountFrom;
    const base = `/${this.#reference.repository}/blobs/uploads/`;
    const path = from === undefined ? base : `${base}?${new URLSearchParams({ mount: digest, from })}`;
    let response = await client.request(path, {
      method: "POST",
      scopes: this.#scopes(from),
      signal,
      body: () => Buffer.alloc(0),
    });
    // Whoever may not read the other repository may still write to this one.
    if ([401, 403].includes(response.status) && from !== undefined) {
      drop(response);
      response = await client.request(base, {
        method: "POST",
        scopes: this.#scopes(),
        signal,
        body: () => Buffer.alloc(0),
      });
    }
    if (response.status === 201) {
      drop(response);
      return undefined;
    }
    if (![200, 202, 204].includes(response.status)) throw await this.#problem(response, `uploading ${digest}`);
    const location = headerOf(response, "location");
    drop(response);
    if (location === undefined) throw unavailable(`${client.host.name} does not say where to upload ${digest}`);
    return new URL(location, response.url);
  }

  async #requireStored(response: Response, digest: string): Promise<void> {
    if (!DONE.includes(response.status)) throw await this.#problem(response, `pushing ${digest}`);
    drop(response);
    const stored = headerOf(response, "docker-content-digest");
    if (stored !== undefined && stored !== digest) {
      throw errorOf("failed_precondition", `the registry stored ${stored} instead of ${digest}`);
    }
  }
}

/** The bytes of a blob, each piece told of when it is taken. */
async function* counted(source: PushSource, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let doneBytes = 0;
  for await (const chunk of source.bytes()) {
    yield chunk;
    doneBytes += chunk.length;
    source.onProgress?.(Math.min(doneBytes, sizeBytes));
  }
}
