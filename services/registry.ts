// The gRPC services of the daemon, one line each.
import type { Collector } from "../api/core/collector.js";
import type { ContentStore } from "../api/core/content.js";
import type { Debug } from "../api/core/debug.js";
import type { Differ } from "../api/core/diff.js";
import type { Doctor } from "../api/core/doctor.js";
import type { EventHistory, EventLedger } from "../api/core/event.js";
import type { Exits } from "../api/core/exit-record.js";
import type { Service } from "../api/core/handler.js";
import type { ImageStore } from "../api/core/image.js";
import type { LeaseStore } from "../api/core/lease.js";
import type { Logger } from "../api/core/log.js";
import type { NamespaceStore } from "../api/core/namespace.js";
import type { Snapshotters } from "../api/core/snapshot.js";
import type { Tasks } from "../api/core/task.js";
import type { TaskLogs } from "../api/core/task-log.js";
import type { Clock } from "../api/core/time.js";
import { defineCollectorService } from "./collector/service.js";
import { defineContainersService, type EncodedContainerStore } from "./containers/service.js";
import { defineContentService } from "./content/service.js";
import { defineDebugService } from "./debug/service.js";
import { defineDiffService } from "./diff/service.js";
import { defineDoctorService } from "./doctor/service.js";
import type { CatchUp } from "./events/catch-up.js";
import { defineEventsService } from "./events/service.js";
import { defineExitsService } from "./exits/service.js";
import { defineHealthService } from "./health/service.js";
import { defineImagesService } from "./images/service.js";
import { builtinPlugins, type PluginListDeps, type PluginRecord } from "./introspection/plugins.js";
import { defineIntrospectionService } from "./introspection/service.js";
import { defineLeasesService } from "./leases/service.js";
import { defineLedgerService } from "./ledger/service.js";
import { defineLogsService } from "./logs/service.js";
import { defineNamespacesService } from "./namespaces/service.js";
import { defineReflectionServices } from "./reflection/service.js";
import { defineSnapshotsService } from "./snapshots/service.js";
import { defineStreamingService } from "./streaming/service.js";
import { Streams } from "./streams.js";
import { defineTasksService } from "./tasks/service.js";
import { defineTransferService } from "./transfer/service.js";
import { defineVersionService } from "./version/service.js";

export interface ServiceDeps extends Omit<PluginListDeps, "grpcIds"> {
  readonly namespaces: NamespaceStore;
  readonly containers: EncodedContainerStore;
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly collector: Collector;
  readonly differ: Differ;
  readonly leases: LeaseStore;
  readonly events: EventLedger & EventHistory;
  readonly exits: Exits;
  readonly catchUp: CatchUp;
  readonly snapshots: Snapshotters;
  readonly tasks: Tasks;
  readonly logs: TaskLogs;
  readonly doctor: Doctor;
  readonly debug: Debug;
  readonly clock: Clock;
  readonly log: Logger;
  readonly serverId: string;
  readonly version: string;
  readonly revision: string;
  /** Size in bytes of the largest reply. */
  readonly maxMessageBytes: number;
  /** Descriptor image of the API, for reflection. */
  readonly descriptorsPath: string;
}

/** What is made here, for those services that share it. */
interface Shared {
  readonly plugins: readonly PluginRecord[];
  readonly streams: Streams;
}

type Define = (deps: ServiceDeps & Shared) => Service;

/** Each under the id by which introspection announces it. */
const LIST: Readonly<Record<string, Define>> = {
  containers: defineContainersService,
  content: defineContentService,
  diff: defineDiffService,
  events: defineEventsService,
  healthcheck: defineHealthService,
  images: defineImagesService,
  introspection: defineIntrospectionService,
  leases: defineLeasesService,
  namespaces: defineNamespacesService,
  snapshots: defineSnapshotsService,
  streaming: defineStreamingService,
  tasks: defineTasksService,
  transfer: defineTransferService,
  version: defineVersionService,
};

/** All services, ready for an adapter. */
export function defineServices(deps: ServiceDeps): Service[] {
  const plugins = builtinPlugins({ ...deps, grpcIds: Object.keys(LIST) });
  // Ours, and no plugins of containerd's list.
  const shared = { plugins, streams: new Streams() };
  const own = [
    defineCollectorService(deps),
    defineDoctorService(deps),
    defineLogsService(deps),
    defineDebugService(deps),
    defineExitsService(deps),
    defineLedgerService(deps),
  ];
  const services = [...Object.values(LIST).map((define) => define({ ...deps, ...shared })), ...own];
  return [...services, ...defineReflectionServices({ descriptorsPath: deps.descriptorsPath, services })];
}
