// Networks as files describe them: the first one, by name, of the folder of CNI's configurations. Everything but what is needed here
// is passed on to the plugins as it is.
// @source containerd/go-cni opts.go (WithDefaultConf), containernetworking/cni libcni/conf.go
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import * as z from "zod";
import { errorOf, invalidArgument } from "../../../api/core/errors.js";

const DEFAULT_FOLDER = "/etc/cni/net.d";
const KINDS = new Set([".conf", ".conflist", ".json"]);

const pluginSchema = z.looseObject({ type: z.string().regex(/^[^/]+$/, "must be the name of a plugin") });
const listSchema = z.looseObject({
  name: z.string().regex(/^[a-zA-Z0-9][\w.-]*$/, "must be a name"),
  cniVersion: z.string().default("0.1.0"),
  plugins: z.array(pluginSchema).min(1),
});

/** One network: its plugins, to be called in this order. */
export interface NetworkConfig extends z.infer<typeof listSchema> {
  /** The bytes of its file. */
  readonly source: Buffer;
}

/** Where configurations are: `$NETCONFPATH`, else CNI's usual folder. */
export const configFolder = (): string => process.env["NETCONFPATH"] || DEFAULT_FOLDER;

/** The first network of the folder. @throws failed_precondition when it has none, invalid_argument for one that is broken. */
export async function loadNetwork(folder: string): Promise<NetworkConfig> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => KINDS.has(extname(each))).sort()) {
    const path = join(folder, name);
    return parseNetwork(await readFile(path), path);
  }
  throw errorOf("failed_precondition", `no network is configured in ${folder}, which --cni needs`);
}

/** A list of plugins, or one plugin alone. @throws invalid_argument. */
export function parseNetwork(source: Buffer, path: string): NetworkConfig {
  try {
    const parsed: unknown = JSON.parse(source.toString());
    const isList = typeof parsed === "object" && parsed !== null && "plugins" in parsed;
    const single = z.looseObject({ name: z.string(), cniVersion: z.string().optional() });
    const list = isList ? parsed : { ...single.parse(parsed), plugins: [parsed] };
    return { ...listSchema.parse(list), source };
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw invalidArgument(`network configuration ${path}: ${why}`, error);
  }
}
