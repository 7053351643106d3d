// What clients may count on: only what this daemon really does is announced, since they act upon it.
import type { Platform } from "../../api/gen/types/platform.js";

export interface PluginRecord {
  readonly type: string;
  readonly id: string;
  /** Types of the plugins it builds on; only shown. */
  readonly requires: readonly string[];
  readonly platforms: readonly Platform[];
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

export interface PluginListDeps {
  /** Last parts of the gRPC services that are served: `containers`, `tasks`, … */
  readonly grpcIds: readonly string[];
  /** The database file. */
  readonly databasePath: string;
  readonly platform: Platform;
}

const plugin = (type: string, id: string, more: Partial<PluginRecord> = {}): PluginRecord => ({
  type: `io.containerd.${type}`,
  id,
  requires: [],
  platforms: [],
  exports: {},
  capabilities: [],
  ...more,
});

/** In the order in which containerd would initialise them. */
export const builtinPlugins = ({ grpcIds, databasePath, platform }: PluginListDeps): PluginRecord[] => [
  plugin("event.v1", "exchange"),
  plugin("metadata.v1", "bolt", { exports: { policy: "shared", path: databasePath } }),
  plugin("lease.v1", "manager", { requires: ["io.containerd.metadata.v1"] }),
  plugin("runtime.v2", "task", {
    requires: ["io.containerd.event.v1", "io.containerd.metadata.v1"],
    platforms: [platform],
  }),
  plugin("service.v1", "containers-service", { requires: ["io.containerd.metadata.v1", "io.containerd.event.v1"] }),
  plugin("service.v1", "introspection-service"),
  plugin("service.v1", "leases-service", { requires: ["io.containerd.lease.v1"] }),
  plugin("service.v1", "namespaces-service", { requires: ["io.containerd.metadata.v1", "io.containerd.event.v1"] }),
  plugin("service.v1", "tasks-service", { requires: ["io.containerd.runtime.v2", "io.containerd.metadata.v1"] }),
  ...grpcIds.map((id) => plugin("grpc.v1", id, { requires: ["io.containerd.service.v1"] })),
];
