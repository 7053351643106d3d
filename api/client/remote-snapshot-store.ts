// The snapshotters of a daemon: the interface of api/core, every call an RPC.
// @source containerd core/snapshots/proxy
import type { RequestContext } from "../core/context.js";
import { ContainerdError } from "../core/errors.js";
import type { Labels } from "../core/labels.js";
import {
  type CommitSnapshotOptions,
  LAYER_CAPABILITY,
  type PrepareOptions,
  type SnapshotInfo,
  type SnapshotKind,
  type SnapshotStore,
  type Snapshotters,
  type SnapshotUsage,
} from "../core/snapshot.js";
import type { Mount } from "../core/task.js";
import { fromTimestamp } from "../core/time.js";
import { IntrospectionService } from "../gen/services/introspection/v1/introspection.js";
import { type Info, Kind, SnapshotsService } from "../gen/services/snapshots/v1/snapshots.js";
import type { Mount as MountMessage } from "../gen/types/mount.js";
import type { Channel } from "./channel.js";

const KINDS: Readonly<Partial<Record<Kind, SnapshotKind>>> = {
  [Kind.VIEW]: "view",
  [Kind.ACTIVE]: "active",
  [Kind.COMMITTED]: "committed",
};

const toMap = (labels: Labels = {}): Map<string, string> => new Map(Object.entries(labels));

export class RemoteSnapshotters implements Snapshotters {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Asks nobody: a snapshotter that the daemon lacks is refused by each call. */
  get(name: string): SnapshotStore {
    return new RemoteSnapshotStore(this.#channel, name);
  }
}

class RemoteSnapshotStore implements SnapshotStore {
  readonly #channel: Channel;
  readonly #name: string;

  constructor(channel: Channel, name: string) {
    this.#channel = channel;
    this.#name = name;
  }

  /** Asks for the snapshotter's capabilities; berthd alone has this one. */
  async layersApart(ctx: RequestContext): Promise<boolean> {
    const filters = ["type==io.containerd.snapshotter.v1"];
    const { plugins } = await this.#channel.unary(IntrospectionService.plugins, { filters }, ctx);
    return plugins.some(({ id, capabilities }) => id === this.#name && capabilities.includes(LAYER_CAPABILITY));
  }

  async stat(ctx: RequestContext, key: string): Promise<SnapshotInfo> {
    const { info } = await this.#channel.unary(SnapshotsService.stat, { snapshotter: this.#name, key }, ctx);
    return fromInfoMessage(info);
  }

  async *list(ctx: RequestContext, filters: readonly string[] = []): AsyncGenerator<readonly SnapshotInfo[]> {
    const request = { snapshotter: this.#name, filters: [...filters] };
    for await (const { info } of this.#channel.stream(SnapshotsService.list, request, ctx)) {
      yield info.map(fromInfoMessage);
    }
  }

  async update(
    ctx: RequestContext,
    { name, labels }: { readonly name: string; readonly labels: Labels },
    paths: readonly string[] = [],
  ): Promise<SnapshotInfo> {
    const info = { name, parent: "", kind: Kind.UNKNOWN, labels: toMap(labels) };
    const request = { snapshotter: this.#name, info, ...(paths.length > 0 && { updateMask: [...paths] }) };
    return fromInfoMessage((await this.#channel.unary(SnapshotsService.update, request, ctx)).info);
  }

  async usage(ctx: RequestContext, key: string): Promise<SnapshotUsage> {
    const usage = await this.#channel.unary(SnapshotsService.usage, { snapshotter: this.#name, key }, ctx);
    return { sizeBytes: Number(usage.size), inodes: Number(usage.inodes) };
  }

  async mounts(ctx: RequestContext, key: string): Promise<Mount[]> {
    const { mounts } = await this.#channel.unary(SnapshotsService.mounts, { snapshotter: this.#name, key }, ctx);
    return mounts.map(fromMountMessage);
  }

  async prepare(ctx: RequestContext, key: string, options: PrepareOptions = {}): Promise<Mount[]> {
    const { mounts } = await this.#channel.unary(SnapshotsService.prepare, this.#creation(key, options), ctx);
    return mounts.map(fromMountMessage);
  }

  async view(ctx: RequestContext, key: string, options: PrepareOptions = {}): Promise<Mount[]> {
    const { mounts } = await this.#channel.unary(SnapshotsService.view, this.#creation(key, options), ctx);
    return mounts.map(fromMountMessage);
  }

  #creation(key: string, { parent = "", labels }: PrepareOptions) {
    return { snapshotter: this.#name, key, parent, labels: toMap(labels) };
  }

  async commit(
    ctx: RequestContext,
    name: string,
    key: string,
    { labels, parent = "" }: CommitSnapshotOptions = {},
  ): Promise<void> {
    const request = { snapshotter: this.#name, name, key, labels: toMap(labels), parent };
    await this.#channel.unary(SnapshotsService.commit, request, ctx);
  }

  async remove(ctx: RequestContext, key: string): Promise<void> {
    await this.#channel.unary(SnapshotsService.remove, { snapshotter: this.#name, key }, ctx);
  }
}

/** @throws internal for what no snapshot can be. */
function fromInfoMessage(info: Info | undefined): SnapshotInfo {
  const kind = info && KINDS[info.kind];
  if (info === undefined || kind === undefined) {
    throw new ContainerdError("internal", "the reply holds no snapshot: internal");
  }
  return {
    name: info.name,
    parent: info.parent,
    kind,
    createdAtNs: fromTimestamp(info.createdAt) ?? 0n,
    updatedAtNs: fromTimestamp(info.updatedAt) ?? 0n,
    labels: Object.fromEntries(info.labels),
  };
}

const fromMountMessage = ({ type, source, target, options }: MountMessage): Mount => ({
  type,
  source,
  ...(target !== "" && { target }),
  options,
});
