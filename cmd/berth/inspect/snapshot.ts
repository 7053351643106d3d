// Everything about a snapshot: its record, what it takes, its mounts, and the container that uses it.
import type { CommandContext } from "../command.js";
import { mountsDocument } from "../snapshots.js";
import { type Inspector, ifThere, time } from "./inspector.js";

const SNAPSHOTTER_TYPE = "io.containerd.snapshotter.v1";

export const inspectSnapshot: Inspector = async (context, key, { snapshotter }) => {
  const { client, request } = context;
  const names = snapshotter === undefined ? await snapshottersOf(context) : [snapshotter];
  for (const name of names) {
    const found = await describeSnapshot(context, name, key);
    if (found === undefined) continue;
    const containers = await client.containers.list(request);
    const users = containers.filter((one) => one.snapshotter === name && one.snapshotKey === key);
    return { kind: "snapshot", ...found, containers: users.map(({ id }) => id) };
  }
  return undefined;
};

/** undefined when there is none of that key. */
export async function describeSnapshot(
  { client, request }: CommandContext,
  snapshotter: string,
  key: string,
): Promise<object | undefined> {
  const store = client.snapshots.get(snapshotter);
  const info = await ifThere(store.stat(request, key));
  if (info === undefined) return undefined;
  const [usage, mounts] = await Promise.all([
    ifThere(store.usage(request, key)),
    info.kind === "committed" ? undefined : ifThere(store.mounts(request, key)),
  ]);
  return {
    name: info.name,
    snapshotter,
    type: info.kind,
    parent: info.parent,
    labels: new Map(Object.entries(info.labels)),
    size: usage?.sizeBytes,
    inodes: usage?.inodes,
    mounts: mounts === undefined ? undefined : mountsDocument(mounts),
    createdAt: time(info.createdAtNs),
    updatedAt: time(info.updatedAtNs),
  };
}

/** Those that the daemon has and this host can use. */
async function snapshottersOf({ client, request }: CommandContext): Promise<string[]> {
  const plugins = await client.introspection.plugins(request, [`type==${SNAPSHOTTER_TYPE}`]);
  return plugins.filter(({ initError }) => initError === undefined).map(({ id }) => id);
}
