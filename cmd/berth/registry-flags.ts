// The flags about registries that pull and push share, and the registry client that they describe.
// @source containerd cmd/ctr/commands/commands.go (RegistryFlags), resolver.go
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import {
  createRegistry,
  type RegistryClient,
  type RegistryOptions,
} from "../../api/client/distribution/registry/registry.js";
import { UsageError } from "./exit-status.js";
import { askPassword } from "./password.js";

export interface RegistryFlags {
  skipVerify?: boolean;
  plainHttp?: boolean;
  user?: string;
  refresh?: string;
  hostsDir?: string;
  tlscacert?: string;
  tlscert?: string;
  tlskey?: string;
  httpDump?: boolean;
  httpTrace?: boolean;
}

export function addRegistryOptions(command: Command): void {
  command
    .option("-k, --skip-verify", "do not check the registry's certificate")
    .option("--plain-http", "speak http instead of https")
    .option("-u, --user <user[:password]>", "user of the registry; default: who Docker's config.json says")
    .option("--refresh <token>", "refresh token for the authorization server")
    .option("--hosts-dir <dir>", "folder with a folder of hosts.toml for each registry")
    .option("--tlscacert <file>", "authorities to trust (PEM)")
    .option("--tlscert <file>", "certificate to show (PEM), with --tlskey")
    .option("--tlskey <file>", "its key (PEM)")
    .option("--http-dump", "tell each request and answer on stderr, their headers included")
    .option("--http-trace", "tell each request and answer on stderr");
}

/** For commands that ask no registry: `ctr` takes them there, too, and does nothing with them. */
export function addUnusedRegistryOptions(command: Command): void {
  const before = command.options.length;
  addRegistryOptions(command);
  for (const option of command.options.slice(before)) option.hideHelp();
}

/** A client of registries as the flags want it; to be disposed. @throws UsageError. */
export async function openRegistry(flags: RegistryFlags): Promise<RegistryClient> {
  if ((flags.tlscert === undefined) !== (flags.tlskey === undefined)) {
    throw new UsageError("--tlscert and --tlskey go together");
  }
  const [ca, certificate, key] = await Promise.all([flags.tlscacert, flags.tlscert, flags.tlskey].map(readPem));
  if (flags.httpDump === true || flags.httpTrace === true) {
    const { traceRequests } = await import("./trace-requests.js");
    traceRequests({ headers: flags.httpDump === true });
  }
  const credentials = await credentialsOf(flags);
  return createRegistry({
    plainHttp: flags.plainHttp === true,
    skipVerify: flags.skipVerify === true,
    hostsDir: flags.hostsDir,
    ...(ca !== undefined && { ca: [ca] }),
    ...(certificate !== undefined && key !== undefined && { clients: [{ certificate, key }] }),
    ...(credentials !== undefined && { credentials }),
  });
}

async function credentialsOf({ user, refresh }: RegistryFlags): Promise<RegistryOptions["credentials"]> {
  if (refresh !== undefined) return async () => ({ username: "", secret: refresh });
  if (user === undefined) return undefined;
  const colon = user.indexOf(":");
  const username = colon < 0 ? user : user.slice(0, colon);
  const secret = colon < 0 ? await askPassword() : user.slice(colon + 1);
  return async () => ({ username, secret });
}

async function readPem(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`"${path}" cannot be read: ${error.code ?? error.message}`);
  });
}
