// What clients may count on: only what this daemon really does is announced, since they act upon it.
import { formatDuration } from "../../api/core/duration.js";
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

export interface SnapshotterPlugin {
  readonly name: string;
  readonly rootDir: string;
  readonly capabilities: readonly string[];
}

/** Times in milliseconds. */
export interface CollectorTimes {
  readonly pauseThreshold: number;
  readonly deletionThreshold: number;
  readonly mutationThreshold: number;
  readonly scheduleDelayMs: number;
}

export interface PluginListDeps {
  /** Last parts of the gRPC services that are served: `containers`, `tasks`, … */
  readonly grpcIds: readonly string[];
  /** The database file. */
  readonly databasePath: string;
  /** Folder of the tasks' bundles, in folders by namespace. */
  readonly bundlesDir: string;
  /** Where `install` puts programs and libraries. */
  readonly optDir: string;
  /** Folder of the blobs. */
  readonly contentDir: string;
  /** Who may take over whose blobs. */
  readonly contentSharing: string;
  /** When the collector runs. */
  readonly gc: CollectorTimes;
  readonly platform: Platform;
  /** Those that work on this machine. */
  readonly snapshotters: readonly SnapshotterPlugin[];
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

const goDuration = (ms: number): string => formatDuration(BigInt(Math.round(ms * 1e6)));

/** In the order in which containerd would initialise them. */
export const builtinPlugins = ({
  grpcIds,
  databasePath,
  contentDir,
  bundlesDir,
  optDir,
  contentSharing,
  gc,
  platform,
  snapshotters,
}: PluginListDeps): PluginRecord[] => [
  plugin("content.v1", "content", { exports: { root: contentDir } }),
  ...snapshotters.map(({ name, rootDir, capabilities }) =>
    plugin("snapshotter.v1", name, { platforms: [platform], exports: { root: rootDir }, capabilities }),
  ),
  plugin("event.v1", "exchange"),
  plugin("metadata.v1", "bolt", {
    requires: ["io.containerd.content.v1", "io.containerd.snapshotter.v1"],
    exports: { policy: contentSharing, path: databasePath },
  }),
  plugin("gc.v1", "scheduler", {
    requires: ["io.containerd.metadata.v1"],
    exports: {
      PauseThreshold: String(gc.pauseThreshold),
      DeletionThreshold: String(gc.deletionThreshold),
      MutationThreshold: String(gc.mutationThreshold),
      ScheduleDelay: goDuration(gc.scheduleDelayMs),
    },
  }),
  plugin("diff.v1", "walking", { requires: ["io.containerd.metadata.v1"], platforms: [platform] }),
  plugin("lease.v1", "manager", { requires: ["io.containerd.metadata.v1"] }),
  plugin("streaming.v1", "manager", { requires: ["io.containerd.metadata.v1"] }),
  plugin("transfer.v1", "local", {
    requires: ["io.containerd.lease.v1", "io.containerd.metadata.v1", "io.containerd.diff.v1"],
  }),
  plugin("runtime.v2", "task", {
    requires: ["io.containerd.event.v1", "io.containerd.metadata.v1"],
    platforms: [platform],
    // Ours: it leads `berth shim` to shims that were started ahead of their task.
    exports: { bundles: bundlesDir },
  }),
  plugin("internal.v1", "opt", { exports: { path: optDir } }),
  plugin("service.v1", "containers-service", { requires: ["io.containerd.metadata.v1", "io.containerd.event.v1"] }),
  plugin("service.v1", "content-service", { requires: ["io.containerd.metadata.v1"] }),
  plugin("service.v1", "diff-service", { requires: ["io.containerd.diff.v1"] }),
  plugin("service.v1", "images-service", { requires: ["io.containerd.metadata.v1", "io.containerd.event.v1"] }),
  plugin("service.v1", "introspection-service"),
  plugin("service.v1", "leases-service", { requires: ["io.containerd.lease.v1"] }),
  plugin("service.v1", "namespaces-service", { requires: ["io.containerd.metadata.v1", "io.containerd.event.v1"] }),
  plugin("service.v1", "snapshots-service", { requires: ["io.containerd.metadata.v1"] }),
  plugin("service.v1", "tasks-service", { requires: ["io.containerd.runtime.v2", "io.containerd.metadata.v1"] }),
  ...grpcIds.map((id) => plugin("grpc.v1", id, { requires: ["io.containerd.service.v1"] })),
];
