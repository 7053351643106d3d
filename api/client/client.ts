// The client: one channel to a daemon, everything behind the interfaces of api/core, one close.
// @source containerd client/client.go

import type { Collector } from "../core/collector.js";
import type { ContainerStore } from "../core/container.js";
import type { ContentStore } from "../core/content.js";
import type { RequestContext } from "../core/context.js";
import type { Differ } from "../core/diff.js";
import type { Doctor } from "../core/doctor.js";
import type { ImageStore } from "../core/image.js";
import type { LeaseStore } from "../core/lease.js";
import type { NamespaceStore } from "../core/namespace.js";
import type { Snapshotters } from "../core/snapshot.js";
import type { Tasks } from "../core/task.js";
import { VersionService } from "../gen/services/version/v1/version.js";
import type { Channel } from "./channel.js";
import { RemoteCollector } from "./remote-collector.js";
import { RemoteContainerStore } from "./remote-container-store.js";
import { RemoteContentStore } from "./remote-content-store.js";
import { RemoteDiffer } from "./remote-differ.js";
import { RemoteDoctor } from "./remote-doctor.js";
import { RemoteEvents } from "./remote-events.js";
import { RemoteImageStore } from "./remote-image-store.js";
import { RemoteIntrospection } from "./remote-introspection.js";
import { RemoteLeaseStore } from "./remote-lease-store.js";
import { RemoteNamespaceStore } from "./remote-namespace-store.js";
import { RemoteSnapshotters } from "./remote-snapshot-store.js";
import { RemoteTasks } from "./remote-tasks.js";
import { RemoteTransfer } from "./remote-transfer.js";

export interface Client extends AsyncDisposable {
  /** Path of the daemon's socket; undefined for a daemon in this process. */
  readonly address: string | undefined;
  readonly containers: ContainerStore;
  readonly content: ContentStore;
  readonly namespaces: NamespaceStore;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  readonly snapshots: Snapshotters;
  readonly diff: Differ;
  readonly tasks: Tasks;
  readonly events: RemoteEvents;
  readonly introspection: RemoteIntrospection;
  /** Of Berth only. */
  readonly doctor: Doctor;
  /** Of Berth only. */
  readonly collector: Collector;
  readonly transfer: RemoteTransfer;
  version(ctx?: RequestContext): Promise<{ readonly version: string; readonly revision: string }>;
  /** Resolves when the daemon has been reached. @throws unavailable when it has not after `timeoutMs`. */
  ready(options: { readonly timeoutMs: number }): Promise<void>;
}

/** The client behind every door: what it is a client of, the channel knows. Disposing it disposes the channel. */
export function createClient(channel: Channel): Client {
  return {
    address: channel.address,
    containers: new RemoteContainerStore(channel),
    content: new RemoteContentStore(channel),
    namespaces: new RemoteNamespaceStore(channel),
    images: new RemoteImageStore(channel),
    leases: new RemoteLeaseStore(channel),
    snapshots: new RemoteSnapshotters(channel),
    diff: new RemoteDiffer(channel),
    tasks: new RemoteTasks(channel),
    events: new RemoteEvents(channel),
    introspection: new RemoteIntrospection(channel),
    doctor: new RemoteDoctor(channel),
    collector: new RemoteCollector(channel),
    transfer: new RemoteTransfer(channel),
    version: async (ctx = {}) => {
      const { version, revision } = await channel.unary(VersionService.version, {}, ctx);
      return { version, revision };
    },
    ready: ({ timeoutMs }) => channel.ready(timeoutMs),
    [Symbol.asyncDispose]: async () => channel[Symbol.dispose](),
  };
}
