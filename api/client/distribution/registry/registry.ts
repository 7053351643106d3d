// A registry client: what references stand for, and what to fetch from and push to, over the hosts that serve them.
// @source containerd core/remotes/docker/resolver.go
import { createHash } from "node:crypto";
import type { Descriptor } from "../../../core/descriptor.js";
import { digestAlgorithm, digestProblem } from "../../../core/digest.js";
import { failedPrecondition, isNotFound, notFound } from "../../../core/errors.js";
import type { Reference } from "../../../core/reference.js";
import { MAX_DOCUMENT_BYTES } from "../manifest.js";
import { DOCKER_INDEX, DOCKER_MANIFEST, isIndex, isManifest, OCI_INDEX, OCI_MANIFEST } from "../media-types.js";
import type { Fetcher, Pusher, Registry } from "../transport.js";
import type { CredentialSource } from "./authorizer.js";
import { dockerCredentials } from "./credentials.js";
import { RegistryFetcher } from "./fetcher.js";
import type { HostDefaults } from "./host.js";
import { hostsFor } from "./hosts-file.js";
import { bytesOf, drop, headerOf, IDLE_TIMEOUT_MS, type Response } from "./http.js";
import type { HttpWatcher } from "./http-log.js";
import { accessProblem } from "./problems.js";
import { RegistryPusher } from "./pusher.js";
import { HostClient } from "./requests.js";

/** The head does not say enough, or is not given at all; and why somebody is refused comes with a body. */
const WORTH_READING = [200, 400, 401, 403, 405];
const ACCEPT = [DOCKER_MANIFEST, DOCKER_INDEX, OCI_MANIFEST, OCI_INDEX, "*/*"].join(", ");

/** As whom and how registries are spoken to. Settings of a host's `hosts.toml` come before those given here. */
export interface RegistryOptions extends HostDefaults {
  /** Folder with a folder of `hosts.toml` for each host. Default: none. */
  readonly hostsDir?: string | undefined;
  /** Default: those of Docker's configuration. */
  readonly credentials?: CredentialSource | undefined;
  /** Default: `containerd/1.7.0`, since registries tell clients apart by it. */
  readonly userAgent?: string | undefined;
  /** Longest silence of a host before it counts as gone, in milliseconds. Default: 60,000. */
  readonly idleTimeoutMs?: number | undefined;
  /** Hears what goes over the wire, without what is secret. Default: nobody does. */
  readonly watcher?: HttpWatcher | undefined;
}

/** Speaks the distribution protocol. Dispose it to close its connections. */
export interface RegistryClient extends Registry, AsyncDisposable {}

/** A client of all registries. Hosts are looked up when they are first spoken to. */
export function createRegistry(options: RegistryOptions = {}): RegistryClient {
  const { credentials = dockerCredentials(), userAgent = "containerd/1.7.0" } = options;
  const { idleTimeoutMs = IDLE_TIMEOUT_MS, watcher } = options;
  const clients = new Map<string, Promise<readonly HostClient[]>>();

  const makeClients = async (host: string): Promise<readonly HostClient[]> => {
    const hosts = await hostsFor(host, options.hostsDir, options);
    return hosts.map((each, index) => {
      const isOwn = each.name === host || (host === "docker.io" && each.name === "registry-1.docker.io");
      const namespace = isOwn ? undefined : host;
      const isLast = index === hosts.length - 1;
      return new HostClient(each, { credentials, userAgent, idleTimeoutMs, watcher, namespace, isLast });
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
      throw problems.findLast((problem) => !isNotFound(problem)) ?? problems.at(-1) ?? notFound(reference.text);
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

async function resolveAt(client: HostClient, reference: Reference, signal?: AbortSignal): Promise<Descriptor> {
  const { repository, tag, digest } = reference;
  const scopes = [`repository:${repository}:pull`];
  const ask = (method: "GET" | "HEAD", path: string) =>
    client.request(path, { method, headers: { accept: ACCEPT }, scopes, signal });
  const paths = [`/${repository}/manifests/${digest ?? tag ?? ""}`];
  if (digest !== undefined) paths.push(`/${repository}/blobs/${digest}`);
  for (const path of paths) {
    const found = await describeAt(ask, path, reference);
    if (found !== undefined) return found;
  }
  throw notFound(reference.text);
}

/** What is at a path; undefined when nothing is. */
async function describeAt(
  ask: (method: "GET" | "HEAD", path: string) => Promise<Response>,
  path: string,
  reference: Reference,
): Promise<Descriptor | undefined> {
  const head = await ask("HEAD", path);
  drop(head);
  if (head.status === 404) return undefined;
  const described = head.status === 200 ? describe(head, reference) : undefined;
  if (described !== undefined) return described;
  if (!WORTH_READING.includes(head.status)) throw await accessProblem(head, reference, "resolving");
  const response = await ask("GET", path);
  if (response.status === 200) return await describeByReading(response, reference);
  if (response.status !== 404) throw await accessProblem(response, reference, "resolving");
  drop(response);
  return undefined;
}

const mediaTypeOf = (response: Response): string =>
  (headerOf(response, "content-type") ?? "").split(";")[0]?.trim() ?? "";

/** What the headers say; undefined when they do not say enough. */
function describe(response: Response, reference: Reference): Descriptor | undefined {
  const digest = headerOf(response, "docker-content-digest") ?? reference.digest;
  const size = Number(headerOf(response, "content-length") ?? Number.NaN);
  if (digest === undefined || digestProblem(digest) !== undefined || !Number.isSafeInteger(size) || size <= 0)
    return undefined;
  requireSame(digest, reference);
  const mediaType = mediaTypeOf(response);
  if (isManifest(mediaType) || isIndex(mediaType)) requireDocumentSize(size, reference);
  return { mediaType, digest, sizeBytes: size, annotations: {} };
}

async function describeByReading(response: Response, reference: Reference): Promise<Descriptor> {
  const size = Number(headerOf(response, "content-length") ?? 0);
  if (size > MAX_DOCUMENT_BYTES) drop(response);
  requireDocumentSize(size, reference);
  const bytes = await bytesOf(response, MAX_DOCUMENT_BYTES);
  const algorithm = reference.digest === undefined ? "sha256" : (digestAlgorithm(reference.digest) ?? "sha256");
  const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
  requireSame(digest, reference);
  return { mediaType: mediaTypeOf(response), digest, sizeBytes: bytes.length, annotations: {} };
}

function requireSame(digest: string, { digest: wanted }: Reference): void {
  if (wanted !== undefined && digest !== wanted)
    throw failedPrecondition(`the registry answers with ${digest} when asked for ${wanted}`);
}

function requireDocumentSize(sizeBytes: number, { text }: Reference): void {
  if (sizeBytes > MAX_DOCUMENT_BYTES)
    throw failedPrecondition(`${text}: a manifest of ${sizeBytes} bytes exceeds ${MAX_DOCUMENT_BYTES}`);
}
