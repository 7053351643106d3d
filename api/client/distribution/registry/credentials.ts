// Credentials as Docker keeps them: config.json, and the helper programs that it names. Never logged, never in errors.
// @source docker/cli config file; docker/docker-credential-helpers protocol
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { hasCode } from "../../../../runtime/sys/errno.js";
import { failedPrecondition, invalidArgument } from "../../../core/errors.js";
import type { CredentialSource, Credentials } from "./authorizer.js";

const configSchema = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: z.string().nullish(),
        username: z.string().nullish(),
        password: z.string().nullish(),
        identitytoken: z.string().nullish(),
      }),
    )
    .nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});

type DockerConfig = z.infer<typeof configSchema>;

const helperReply = z.object({ Username: z.string(), Secret: z.string() });
const DOCKER_HUB = "https://index.docker.io/v1/";
const HUB_HOSTS = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);
const HELPER_NAME = /^[A-Za-z0-9._-]+$/;
const HELPER_TIMEOUT_MS = 30_000;
const MAX_REPLY_BYTES = 1 << 20;
/** What helpers say instead of credentials. */
const NOT_FOUND = "credentials not found in native keychain";
/** The user name by which helpers say that the secret is a token. */
const TOKEN_USER = "<token>";

/** The name by which Docker knows a host, and its helpers too. */
const keyOf = (host: string): string => (HUB_HOSTS.has(host) ? DOCKER_HUB : host);

/** The entry of a host; keys may be whole addresses: `https://registry.example/v2/`. An exact key comes first. */
function entryOf<T>(entries: Readonly<Record<string, T>> | null | undefined, host: string): T | undefined {
  const all = Object.entries(entries ?? {});
  const bare = (key: string): string => key.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  const isSame = (key: string): boolean => bare(key) === host || (HUB_HOSTS.has(host) && HUB_HOSTS.has(bare(key)));
  return (all.find(([key]) => key === keyOf(host)) ?? all.find(([key]) => isSame(key)))?.[1];
}

/** Runs `docker-credential-<name> get` with the host on its input. undefined: it knows none. */
async function askHelper(name: string, host: string): Promise<Credentials | undefined> {
  if (!HELPER_NAME.test(name)) throw invalidArgument(`credential helper ${JSON.stringify(name)} is malformed`);
  const program = `docker-credential-${name}`;
  const child = spawn(program, ["get"], {
    stdio: ["pipe", "pipe", "ignore"],
    signal: AbortSignal.timeout(HELPER_TIMEOUT_MS),
  });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes <= MAX_REPLY_BYTES) chunks.push(chunk);
  });
  // A helper that does not read its input is no reason to fail: its answer counts.
  child.stdin.on("error", () => {});
  child.stdin.end(host);
  const status = await Promise.race([ended, failed]).catch((error: unknown) => {
    throw failedPrecondition(`credential helper ${program} cannot be run`, error);
  });
  const text = Buffer.concat(chunks).toString();
  if (status !== 0) {
    if (text.trim().startsWith(NOT_FOUND)) return undefined;
    throw failedPrecondition(`credential helper ${program} failed with status ${status}`);
  }
  try {
    const { Username, Secret } = helperReply.parse(JSON.parse(text));
    return { username: Username === TOKEN_USER ? "" : Username, secret: Secret };
  } catch {
    throw failedPrecondition(`credential helper ${program} sent no credentials`);
  }
}

function fromAuths(config: DockerConfig, host: string): Credentials | undefined {
  const { auth, username, password, identitytoken } = entryOf(config.auths, host) ?? {};
  if (identitytoken) return { username: "", secret: identitytoken };
  if (auth) {
    const text = Buffer.from(auth, "base64").toString().replace(/\0+$/, "");
    const colon = text.indexOf(":");
    if (colon > 0) return { username: text.slice(0, colon), secret: text.slice(colon + 1) };
  }
  return username && password ? { username, secret: password } : undefined;
}

async function readConfig(path: string): Promise<DockerConfig | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return configSchema.parse(JSON.parse(text));
  } catch {
    // The parser would quote the text, and with it the secrets.
    throw invalidArgument(`${path} is no Docker configuration`);
  }
}

/**
 * Credentials from Docker's configuration, read anew for each host.
 * @param folder default: `$DOCKER_CONFIG`, else `.docker` of the home folder.
 */
export function dockerCredentials(folder?: string): CredentialSource {
  return async (host) => {
    const place = folder ?? (process.env["DOCKER_CONFIG"] || join(homedir(), ".docker"));
    const config = await readConfig(join(place, "config.json"));
    if (config === undefined) return undefined;
    const helper = entryOf(config.credHelpers, host);
    if (helper !== undefined) return await askHelper(helper, keyOf(host));
    const kept = config.credsStore ? await askHelper(config.credsStore, keyOf(host)) : undefined;
    if (kept !== undefined) return kept;
    return fromAuths(config, host);
  };
}
