// The client: one channel to a daemon, everything behind the interfaces of api/core, one close.
// @source containerd client/client.go

import type { Collector } from "../core/collector.js";
import type { ContainerStore } from "../core/container.js";
import type { ContentStore } from "../core/content.js";
import type { RequestContext } from "../core/context.js";
import type { Debug } from "../core/debug.js";
import type { Differ } from "../core/diff.js";
import type { Doctor } from "../core/doctor.js";
import type { Exits } from "../core/exit-record.js";
import type { ImageStore } from "../core/image.js";
import type { LeaseStore } from "../core/lease.js";
import type { NamespaceStore } from "../core/namespace.js";
import type { Snapshotters } from "../core/snapshot.js";
import type { Tasks } from "../core/task.js";
import type { TaskLogs } from "../core/task-log.js";
import { VersionService } from "../gen/services/version/v1/version.js";
import type { Channel } from "./channel.js";
import type { ContainerFiles } from "./files/files.js";
import { lazyContainerFiles } from "./files/lazy.js";
import { RemoteCollector } from "./remote-collector.js";
import { RemoteContainerStore } from "./remote-container-store.js";
import { RemoteContentStore } from "./remote-content-store.js";
import { RemoteDebug } from "./remote-debug.js";
import { RemoteDiffer } from "./remote-differ.js";
import { RemoteDoctor } from "./remote-doctor.js";
import { RemoteEvents } from "./remote-events.js";
import { RemoteExits } from "./remote-exits.js";
import { RemoteImageStore } from "./remote-image-store.js";
import { RemoteIntrospection } from "./remote-introspection.js";
import { RemoteLeaseStore } from "./remote-lease-store.js";
import { RemoteLedger } from "./remote-ledger.js";
import { RemoteLogs } from "./remote-logs.js";
import { RemoteNamespaceStore } from "./remote-namespace-store.js";
import { RemoteSnapshotters } from "./remote-snapshot-store.js";
import { RemoteTasks } from "./remote-tasks.js";
import { RemoteTransfer } from "./remote-transfer.js";
import type { RunOptions } from "./run/options.js";
import type { FindTaskOptions } from "./run/run.js";
import type { Task } from "./run/task.js";

/**
 * A daemon as its client sees it: stores and services by noun, and the verbs `run` and `task`. `connect` and a daemon in this process
 * give one. Dispose it to close the connection; what it started runs on. The stores throw the kinds of error that the daemon answers with.
 */
export interface Client extends AsyncDisposable {
  /** Path of the daemon's socket; undefined for a daemon in this process. */
  readonly address: string | undefined;
  /** Of calls and verbs that name none; undefined when there is none. */
  readonly namespace: string | undefined;
  /** Records of what could run; a container never runs, its task does. */
  readonly containers: ContainerStore;
  /** Blobs by digest, and ingests on their way to being blobs. */
  readonly content: ContentStore;
  /** The namespaces themselves, with their labels. */
  readonly namespaces: NamespaceStore;
  /** Names and what they stand for in the daemon; no registry is asked. */
  readonly images: ImageStore;
  /** What keeps content and snapshots from the collector. */
  readonly leases: LeaseStore;
  /** File systems in layers, by the name of their snapshotter. */
  readonly snapshots: Snapshotters;
  /** Layers from file systems, and file systems from layers. */
  readonly diff: Differ;
  /** Tasks call by call; `run` and `task` give the same as objects. */
  readonly tasks: Tasks;
  /** Files into and out of containers; on the daemon's host only. */
  readonly files: ContainerFiles;
  /** Iterated, the events of the client's namespace, or of all when it has none. */
  readonly events: RemoteEvents;
  /** The events of the past, and from them on into the present. Of Berth only. */
  readonly ledger: RemoteLedger;
  /** How tasks ended and why, also those that are deleted. Of Berth only. */
  readonly exits: Exits;
  /** Which plugins the daemon has, and who it is. */
  readonly introspection: RemoteIntrospection;
  /** Of Berth only. */
  readonly doctor: Doctor;
  /** What tasks have written; a daemon that keeps none answers not_implemented. */
  readonly logs: TaskLogs;
  /** Of Berth only. */
  readonly collector: Collector;
  /** Of Berth only. */
  readonly debug: Debug;
  /** Pulls, pushes and archives that the daemon makes by itself. Of Berth, and of containerd that serves transfers. */
  readonly transfer: RemoteTransfer;
  /**
   * Runs an image, a folder or a process of the host, and resolves when it runs. Dispose the task to end it and to remove what was
   * made for it; all of that goes by itself once the process has ended, unless `remove` is false. After a failure or an abort
   * nothing is left.
   * @throws invalid_argument for options that make no sense, not_found for an image or user that is not there, already_exists for an id
   * that is taken, permission_denied, unknown with the runtime's words for a program that cannot be run, cancelled.
   */
  run(options: RunOptions): Promise<Task>;
  /**
   * A task that is there already, also one that another process made. Disposing it closes its streams only; `delete()` removes it.
   * @throws not_found.
   */
  task(id: string, options?: FindTaskOptions): Promise<Task>;
  /** Of the daemon. @throws unavailable when it cannot be reached. */
  version(ctx?: RequestContext): Promise<{ readonly version: string; readonly revision: string }>;
  /** Resolves when the daemon has been reached. @throws unavailable when it has not after `timeoutMs`. */
  ready(options: { readonly timeoutMs: number }): Promise<void>;
}

/** The client behind every door: what it is a client of, the channel knows. Disposing it disposes the channel. */
export function createClient(channel: Channel): Client {
  const client: Client = {
    address: channel.address,
    namespace: channel.namespace,
    containers: new RemoteContainerStore(channel),
    content: new RemoteContentStore(channel),
    namespaces: new RemoteNamespaceStore(channel),
    images: new RemoteImageStore(channel),
    leases: new RemoteLeaseStore(channel),
    snapshots: new RemoteSnapshotters(channel),
    diff: new RemoteDiffer(channel),
    tasks: new RemoteTasks(channel),
    files: lazyContainerFiles(() => client),
    events: new RemoteEvents(channel),
    ledger: new RemoteLedger(channel),
    exits: new RemoteExits(channel),
    introspection: new RemoteIntrospection(channel),
    doctor: new RemoteDoctor(channel),
    logs: new RemoteLogs(channel),
    collector: new RemoteCollector(channel),
    debug: new RemoteDebug(channel),
    transfer: new RemoteTransfer(channel),
    version: async (ctx = {}) => {
      const { version, revision } = await channel.unary(VersionService.version, {}, ctx);
      return { version, revision };
    },
    ready: ({ timeoutMs }) => channel.ready(timeoutMs),
    // Loaded when first needed: many clients never run anything.
    run: async (options) => await (await import("./run/run.js")).run(client, options),
    task: async (id, options) => await (await import("./run/run.js")).findTask(client, id, options),
    [Symbol.asyncDispose]: async () => channel[Symbol.dispose](),
  };
  return client;
}
