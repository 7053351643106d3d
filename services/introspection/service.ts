// introspection.v1: which plugins there are, and who this server is.
// @source containerd plugins/services/introspection
import { stat } from "node:fs/promises";
import { errorKind, invalidArgument, notFound, notImplemented } from "../../api/core/errors.js";
import { type Filter, parseFilters } from "../../api/core/filters/index.js";
import { defineService } from "../../api/core/handler.js";
import {
  IntrospectionService,
  PluginInfoResponse,
  PluginsResponse,
  ServerResponse,
} from "../../api/gen/services/introspection/v1/introspection.js";
import { pluginAdaptor, toPluginMessage } from "./convert.js";
import type { PluginRecord } from "./plugins.js";

export interface IntrospectionServiceDeps {
  readonly plugins: readonly PluginRecord[];
  /** A random UUID that stays with the store. */
  readonly serverId: string;
}

export const defineIntrospectionService = ({ plugins, serverId }: IntrospectionServiceDeps) =>
  defineService(IntrospectionService, {
    plugins: async ({ filters }) => {
      const filter = parse(filters);
      const found = plugins.filter((plugin) => filter.match(pluginAdaptor(plugin)));
      return PluginsResponse.fromPartial({ plugins: found.map(toPluginMessage) });
    },

    server: async () =>
      ServerResponse.fromPartial({ uuid: serverId, pid: BigInt(process.pid), pidns: await pidNamespace() }),

    pluginInfo: async ({ type, id, options }) => {
      const plugin = plugins.find((candidate) => candidate.type === type && candidate.id === id);
      if (plugin === undefined) throw notFound(`plugin ${type}.${id} not found`);
      if (options !== undefined) throw notImplemented(`plugin ${type}.${id} takes no options`);
      return PluginInfoResponse.fromPartial({ plugin: toPluginMessage(plugin) });
    },
  });

/** containerd names the class twice here. */
function parse(filters: readonly string[]): Filter {
  try {
    return parseFilters(filters);
  } catch (error) {
    throw errorKind(error) === "invalid_argument" && error instanceof Error
      ? invalidArgument(error.message, error)
      : error;
  }
}

/** The inode of this process's pid namespace. */
async function pidNamespace(): Promise<bigint> {
  return (await stat("/proc/self/ns/pid", { bigint: true })).ino;
}
