// A registry client: what references stand for, and what to fetch from and push to, over the hosts that serve them.
// @source containerd core/remotes/docker/resolver.go
import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import type { Descriptor } from "../../../core/descriptor.js";
import { digestProblem } from "../../../core/digest.js";
import { errorOf, notFound } from "../../../core/errors.js";
import { MAX_DOCUMENT_BYTES } from "../manifest.js";
import { DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../media-types.js";
import type { Reference } from "../reference.js";
import type { Fetcher, Pusher, Registry } from "../transport.js";
import type { CredentialSource } from "./authorizer.js";
import { dockerCredentials } from "./credentials.js";
import { RegistryFetcher } from "./fetcher.js";
import type { HostDefaults } from "./host.js";
import { hostsFor } from "./hosts-file.js";
import { accessProblem } from "./problems.js";
import { RegistryPusher } from "./pusher.js";
import { drop, HostClient, headerOf, type Response } from "./requests.js";

const ACCEPT = [DOCKER_MANIFEST, DOCKER_INDEX, OCI_MANIFEST, OCI_INDEX, "*/*"].join(", ");

export interface RegistryOptions extends HostDefaults {
  /** Folder with a folder of `hosts.toml` for each host. Default: none. */
  readonly hostsDir?: string | undefined;
  /** Default: those of Docker's configuration. */
  readonly credentials?: CredentialSource | undefined;
  /** Default: `containerd/1.7.0`, since registries tell clients apart by it. */
  readonly userAgent?: string | undefined;
}

/** Speaks the distribution protocol. Dispose it to close its connections. */
export interface RegistryClient extends Registry, AsyncDisposable {}

/** A client of all registries. Hosts are looked up when they are first spoken to. */
export function createRegistry(options: RegistryOptions = {}): RegistryClient {
  const { credentials = dockerCredentials(), userAgent = "containerd/1.7.0" } = options;
  const clients = new Map<string, Promise<readonly HostClient[]>>();

  const makeClients = async (host: string): Promise<readonly HostClient[]> => {
    const hosts = await hostsFor(host, options.hostsDir, options);
    return hosts.map((each) => {
      const isOwn = each.name === host || (host === "docker.io" && each.name === "registry-1.docker.io");
      return new HostClient(each, { credentials, userAgent, namespace: isOwn ? undefined : host });
    });
  };
  const clientsFor = ({ host }: Reference): Promise<readonly HostClient[]> => {
    const known = clients.get(host);
    if (known !== undefined) return known;
    const made = makeClients(host);
    clients.set(host, made);
    made.catch(() => clients.delete(host));
    return made;
  };

  return {
    async resolve(reference, signal) {
      const problems: unknown[] = [];
      for (const client of await clientsFor(reference)) {
        if (!client.host.capabilities.has("resolve")) continue;
        try {
          return await resolveAt(client, reference, signal);
        } catch (error) {
          signal?.throwIfAborted();
          problems.push(error);
        }
      }
      // The last host is the registry itself; what it says counts, unless only a mirror says more than "not found".
      throw problems.findLast((problem) => !isMissing(problem)) ?? problems.at(-1) ?? notFound(reference.text);
    },

    fetcher: (reference): Fetcher => new RegistryFetcher(reference, () => clientsFor(reference)),

    pusher: (reference, target): Pusher => new RegistryPusher(reference, target, () => clientsFor(reference)),

    async [Symbol.asyncDispose]() {
      const made = await Promise.allSettled(clients.values());
      clients.clear();
      const open = made.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
      await Promise.all(open.map((client) => client[Symbol.asyncDispose]()));
    },
  };
}

const isMissing = (error: unknown): boolean => error instanceof Error && "kind" in error && error.kind === "not_found";

async function resolveAt(client: HostClient, reference: Reference, signal?: AbortSignal): Promise<Descriptor> {
  const { repository, tag, digest } = reference;
  const scopes = [`repository:${repository}:pull`];
  const ask = (method: "GET" | "HEAD", path: string) =>
    client.request(path, { method, headers: { accept: ACCEPT }, scopes, signal });
  const paths = [`/${repository}/manifests/${digest ?? tag ?? ""}`];
  if (digest !== undefined) paths.push(`/${repository}/blobs/${digest}`);
  let last: Response | undefined;
  for (const path of paths) {
    let response = await ask("HEAD", path);
    const described = response.status === 200 ? describe(response, digest) : undefined;
    if (response.status === 405 || (response.status === 200 && described === undefined)) {
      await drop(response);
      response = await ask("GET", path);
      if (response.status === 200) return await describeByReading(response, reference);
    }
    if (described !== undefined) {
      await drop(response);
      return described;
    }
    if (last !== undefined) await drop(last);
    last = response;
    if (response.status !== 404) break;
  }
  if (last?.status === 404) {
    await drop(last);
    throw notFound(reference.text);
  }
  // A refusal's words come with its body, which HEAD does not send.
  if (last !== undefined && [401, 403].includes(last.status)) {
    await drop(last);
    last = await ask("GET", paths[0] ?? "");
  }
  if (last === undefined) throw notFound(reference.text);
  throw await accessProblem(last, reference, "resolving");
}

const mediaTypeOf = (response: Response): string =>
  (headerOf(response, "content-type") ?? "").split(";")[0]?.trim() ?? "";

/** What the headers say; undefined when they do not say enough. */
function describe(response: Response, wanted: string | undefined): Descriptor | undefined {
  const digest = headerOf(response, "docker-content-digest") ?? wanted;
  const size = Number(headerOf(response, "content-length") ?? Number.NaN);
  if (digest === undefined || digestProblem(digest) !== undefined || !Number.isSafeInteger(size) || size <= 0)
    return undefined;
  if (wanted !== undefined && digest !== wanted) {
    throw errorOf("failed_precondition", `the registry answers with ${digest} when asked for ${wanted}`);
  }
  return { mediaType: mediaTypeOf(response), digest, sizeBytes: size, annotations: {} };
}

async function describeByReading(response: Response, reference: Reference): Promise<Descriptor> {
  const size = Number(headerOf(response, "content-length") ?? 0);
  if (size > MAX_DOCUMENT_BYTES) {
    await drop(response);
    throw errorOf("failed_precondition", `${reference.text}: a manifest of ${size} bytes is too large`);
  }
  const bytes = await buffer(response.body);
  if (bytes.length > MAX_DOCUMENT_BYTES)
    throw errorOf("failed_precondition", `${reference.text}: the manifest is too large`);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw errorOf("failed_precondition", `the registry answers with ${digest} when asked for ${reference.digest}`);
  }
  return { mediaType: mediaTypeOf(response), digest, sizeBytes: bytes.length, annotations: {} };
}
