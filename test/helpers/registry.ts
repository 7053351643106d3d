// Debian's docker-registry on loopback: a real registry in a folder of its own, with passwords or certificates on demand.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isIndex, isManifest } from "../../api/client/distribution/media-types.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import type { TestImage } from "./image.js";
import { startProgram } from "./program.js";
import { tempDir } from "./temp.js";
import { Hopeless, until } from "./until.js";

/** The user that {@link RegistryOptions.needsPassword} lets in; the hash is bcrypt's of the password. */
export const REGISTRY_USER = { username: "keeper", secret: "correct horse" };
/** What Google's registries call who comes with a token; let in with the same password. */
export const TOKEN_USER = "oauth2accesstoken";
const HASH = "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2";
const REGISTRY_HTPASSWD = `${REGISTRY_USER.username}:${HASH}\n${TOKEN_USER}:${HASH}\n`;

export interface RegistryOptions {
  /** Basic authentication. Default: none. */
  readonly needsPassword?: boolean;
  /** Serve https with these PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Default: any free one of loopback. */
  readonly address?: string;
  /** Where the blobs are. Default: a fresh folder, removed with the scope. */
  readonly dir?: string;
  /** Words before its command line, for example those of a network namespace. */
  readonly within?: readonly string[];
}

export interface TestRegistry {
  /** Host and port. */
  readonly host: string;
  readonly url: string;
  readonly dir: string;
  readonly pid: number;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

/** Starts a registry and resolves when it listens. It ends with the scope. */
export async function startRegistry(scope: DisposeScope, options: RegistryOptions = {}): Promise<TestRegistry> {
  const dir = options.dir ?? (await tempDir(scope));
  await mkdir(join(dir, "blobs"), { recursive: true });
  const passwords = join(dir, "htpasswd");
  await writeFile(passwords, REGISTRY_HTPASSWD);
  const config = {
    version: "0.1",
    log: { level: "info", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(dir, "blobs") }, delete: { enabled: true } },
    http: {
      addr: options.address ?? "127.0.0.1:0",
      secret: "not a secret",
      ...(options.tls && { tls: { certificate: options.tls.certificate, key: options.tls.key } }),
    },
    ...(options.needsPassword === true && { auth: { htpasswd: { realm: "test", path: passwords } } }),
  };
  const file = join(dir, "config.yml");
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config));
  const env = { OTEL_TRACES_EXPORTER: "none" };
  const [first = "docker-registry", ...words] = [...(options.within ?? []), "docker-registry", "serve", file];
  const program = scope.use(await startProgram(first, words, { timeoutMs: 3_600_000, env }));
  let hasEnded = false;
  void program.result.then(() => {
    hasEnded = true;
  });
  const host = await until("the registry to listen", () => {
    if (hasEnded) throw new Hopeless(`docker-registry ended: ${program.stderr()}`);
    return /listening on ([\d.]+:\d+)/.exec(program.stderr())?.[1];
  });
  return {
    host,
    url: `${options.tls ? "https" : "http"}://${host}`,
    dir,
    pid: program.pid,
    kill: async () => {
      program.signal("SIGKILL");
      await program.result;
    },
  };
}

async function must(response: Promise<Response>, what: string): Promise<Response> {
  const { ok, status } = await response;
  if (!ok) throw new Error(`${what}: status ${status}: ${await (await response).text()}`);
  return response;
}

/** Uploads an image by plain requests, so that what is tested plays no part in it. */
export async function seedRegistry(
  registry: Pick<TestRegistry, "url">,
  repository: string,
  tag: string,
  image: TestImage,
): Promise<void> {
  const base = `${registry.url}/v2/${repository}`;
  for (const { digest, mediaType, bytes } of image.blobs) {
    const body = new Uint8Array(bytes);
    if (isManifest(mediaType) || isIndex(mediaType)) {
      const headers = { "content-type": mediaType };
      const names = digest === image.target.digest ? [digest, tag] : [digest];
      for (const name of names) {
        await must(fetch(`${base}/manifests/${name}`, { method: "PUT", headers, body }), `manifest ${name}`);
      }
      continue;
    }
    const begun = await must(fetch(`${base}/blobs/uploads/`, { method: "POST" }), "upload");
    const location = new URL(begun.headers.get("location") ?? "", base);
    location.searchParams.set("digest", digest);
    const headers = { "content-type": "application/octet-stream" };
    await must(fetch(location, { method: "PUT", headers, body }), `blob ${digest}`);
  }
}
