// Snapshots between wire and record.
import type { SnapshotInfo, SnapshotKind } from "../../api/core/snapshot.js";
import type { Mount } from "../../api/core/task.js";
import { toTimestamp } from "../../api/core/time.js";
import { Info, Kind } from "../../api/gen/services/snapshots/v1/snapshots.js";
import { Mount as MountMessage } from "../../api/gen/types/mount.js";
import { toMap } from "../maps.js";

const KINDS: Readonly<Record<SnapshotKind, Kind>> = {
  view: Kind.VIEW,
  active: Kind.ACTIVE,
  committed: Kind.COMMITTED,
};

export const toInfoMessage = (info: SnapshotInfo): Info =>
  Info.fromPartial({
    name: info.name,
    parent: info.parent,
    kind: KINDS[info.kind],
    createdAt: toTimestamp(info.createdAtNs),
    updatedAt: toTimestamp(info.updatedAtNs),
    labels: toMap(info.labels),
  });

export const toMountMessages = (mounts: readonly Mount[]): MountMessage[] =>
  mounts.map(({ type, source, target = "", options }) =>
    MountMessage.fromPartial({ type, source, target, options: [...options] }),
  );
