// Plugin records to wire, and as the filters see them.
import { Plugin } from "../../api/gen/services/introspection/v1/introspection.js";
import { toMap } from "../maps.js";
import type { PluginRecord } from "./plugins.js";

export const toPluginMessage = (record: PluginRecord): Plugin =>
  Plugin.fromPartial({
    type: record.type,
    id: record.id,
    requires: [...record.requires],
    platforms: [...record.platforms],
    exports: toMap(record.exports),
    capabilities: [...record.capabilities],
  });

/** Filters see `type` and `id`; platforms and capabilities are never present, as in containerd. */
export const pluginAdaptor =
  (record: PluginRecord) =>
  ([field]: readonly string[]): string | undefined => {
    if (field === "type") return record.type || undefined;
    if (field === "id") return record.id || undefined;
    return undefined;
  };
