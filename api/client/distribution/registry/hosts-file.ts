// hosts.toml: mirrors and settings of a registry, in a folder named after it.
// @source containerd docs/hosts.md, core/remotes/docker/config/hosts.go
import { readdir, readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { parse as parseToml } from "smol-toml";
import * as z from "zod";
import { hasCode } from "../../../../runtime/sys/errno.js";
import { parseDuration } from "../../../core/duration.js";
import { invalidArgument } from "../../../core/errors.js";
import {
  ALL_CAPABILITIES,
  type Capability,
  defaultHost,
  type HostDefaults,
  type RegistryHost,
  splitPort,
} from "./host.js";

const strings = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const hostSchema = z.object({
  capabilities: z.array(z.enum(["pull", "resolve", "push", "referrers"])).optional(),
  ca: strings.optional(),
  client: z
    .union([
      z.string().transform((pair): [string, string][] => [[pair, ""]]),
      z.array(
        z.union([z.string().transform((pair): [string, string] => [pair, ""]), z.tuple([z.string(), z.string()])]),
      ),
    ])
    .optional(),
  skip_verify: z.boolean().optional(),
  header: z.record(z.string(), strings).optional(),
  override_path: z.boolean().optional(),
  dial_timeout: z.string().optional(),
});
const fileSchema = hostSchema.extend({
  server: z.string().optional(),
  host: z.record(z.string(), hostSchema).optional(),
});

type HostTable = z.infer<typeof hostSchema>;

/** Milliseconds. @throws invalid_argument for what Go would not read as a duration. */
function parseTimeout(text: string): number {
  const durationNs = parseDuration(text);
  if (durationNs === undefined || durationNs < 0) throw invalidArgument(`dial_timeout "${text}" is no duration`);
  return durationNs / 1e6;
}

/** Text of a file; undefined when there is none. */
async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
}

/** One host of the file. Without `override_path` the protocol's `/v2` is appended, unless it is there. */
async function toHost(url: string, table: HostTable, folder: string, defaults: HostDefaults): Promise<RegistryHost> {
  const parsed = URL.canParse(url)
    ? new URL(url)
    : URL.canParse(`https://${url}`)
      ? new URL(`https://${url}`)
      : undefined;
  if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol)) {
    throw invalidArgument(`${join(folder, "hosts.toml")}: "${url}" is no http address`);
  }
  const path = parsed.pathname.replace(/\/+$/, "");
  const whole = table.override_path === true || path.endsWith("/v2") ? path : `${path}/v2`;
  const within = (file: string) => (isAbsolute(file) ? file : join(folder, file));
  const read = async (file: string): Promise<string> => {
    const text = await readText(within(file));
    if (text === undefined) throw invalidArgument(`${join(folder, "hosts.toml")}: there is no file ${within(file)}`);
    return text;
  };
  const clients = table.client?.map(async ([certificate, key]) => ({
    certificate: await read(certificate),
    key: await read(key || certificate),
  }));
  const headers = Object.entries(table.header ?? {}).map(([name, values]): [string, string] => [
    name,
    values.join(", "),
  ]);
  return {
    baseUrl: `${parsed.protocol}//${parsed.host}${whole}`,
    name: parsed.host,
    capabilities: new Set<Capability>(table.capabilities ?? ALL_CAPABILITIES),
    headers: { ...defaults.headers, ...Object.fromEntries(headers) },
    tls: {
      ca: table.ca === undefined ? defaults.ca : await Promise.all(table.ca.map(read)),
      clients: clients === undefined ? defaults.clients : await Promise.all(clients),
      skipVerify: table.skip_verify ?? defaults.skipVerify,
    },
    dialTimeoutMs: table.dial_timeout === undefined ? undefined : parseTimeout(table.dial_timeout),
  };
}

async function fromToml(text: string, folder: string, host: string, defaults: HostDefaults): Promise<RegistryHost[]> {
  const file = join(folder, "hosts.toml");
  let document: unknown;
  try {
    document = parseToml(text);
  } catch (error) {
    throw invalidArgument(`${file}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const parsed = fileSchema.safeParse(document);
  if (!parsed.success) throw invalidArgument(`${file}: ${z.prettifyError(parsed.error)}`);
  const { server, host: mirrors = {}, ...own } = parsed.data;
  const hosts = await Promise.all(Object.entries(mirrors).map(([url, table]) => toHost(url, table, folder, defaults)));
  const last = server === undefined ? defaultHost(host, defaults).baseUrl : server;
  return [...hosts, await toHost(last, own, folder, defaults)];
}

/** Without hosts.toml: certificates lying in the folder, `*.crt` of authorities, `*.cert` and `*.key` of ours. */
async function fromCertificates(
  folder: string,
  host: string,
  defaults: HostDefaults,
): Promise<RegistryHost[] | undefined> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (names === undefined) return undefined;
  const read = async (name: string) => await readFile(join(folder, name), "utf8");
  const ca = await Promise.all(names.filter((name) => name.endsWith(".crt")).map(read));
  const certificates = names
    .filter((name) => name.endsWith(".cert"))
    .map(async (name) => ({
      certificate: await read(name),
      key: await read(name.replace(/\.cert$/, ".key")),
    }));
  const clients = await Promise.all(certificates);
  const found = { ...(ca.length > 0 && { ca }), ...(clients.length > 0 && { clients }) };
  return [defaultHost(host, { ...defaults, ...found })];
}

/** The hosts to ask for `host`, in their order. @throws invalid_argument for a file that is not understood. */
export async function hostsFor(
  host: string,
  hostsDir: string | undefined,
  defaults: HostDefaults = {},
): Promise<readonly RegistryHost[]> {
  if (hostsDir !== undefined && hostsDir !== "") {
    const { name, port } = splitPort(host);
    const folders = [...(port === "" ? [] : [`${name}_${port}_`]), host, "_default"].map((each) =>
      join(hostsDir, each),
    );
    for (const folder of folders) {
      const text = await readText(join(folder, "hosts.toml"));
      if (text !== undefined) return await fromToml(text, folder, host, defaults);
      const hosts = await fromCertificates(folder, host, defaults);
      if (hosts !== undefined) return hosts;
    }
  }
  return [defaultHost(host, defaults)];
}
