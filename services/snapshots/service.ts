// snapshots.v1 over the snapshotters: every request names the one it means.
// @source containerd plugins/services/snapshots

import { invalidArgument, notImplemented } from "../../api/core/errors.js";
import { defineService } from "../../api/core/handler.js";
import type { Snapshotters } from "../../api/core/snapshot.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import {
  ListSnapshotsResponse,
  MountsResponse,
  PrepareSnapshotResponse,
  SnapshotsService,
  StatSnapshotResponse,
  UpdateSnapshotResponse,
  UsageResponse,
  ViewSnapshotResponse,
} from "../../api/gen/services/snapshots/v1/snapshots.js";
import { toRecord } from "../maps.js";
import { toInfoMessage, toMountMessages } from "./convert.js";

export const defineSnapshotsService = ({ snapshots }: { readonly snapshots: Snapshotters }) =>
  defineService(SnapshotsService, {
    prepare: async ({ snapshotter, key, parent, labels }, ctx) => {
      const mounts = await snapshots.get(snapshotter).prepare(ctx, key, { parent, labels: toRecord(labels) });
      return PrepareSnapshotResponse.fromPartial({ mounts: toMountMessages(mounts) });
    },

    view: async ({ snapshotter, key, parent, labels }, ctx) => {
      const mounts = await snapshots.get(snapshotter).view(ctx, key, { parent, labels: toRecord(labels) });
      return ViewSnapshotResponse.fromPartial({ mounts: toMountMessages(mounts) });
    },

    mounts: async ({ snapshotter, key }, ctx) =>
      MountsResponse.fromPartial({ mounts: toMountMessages(await snapshots.get(snapshotter).mounts(ctx, key)) }),

    commit: async ({ snapshotter, name, key, labels, parent }, ctx) => {
      await snapshots.get(snapshotter).commit(ctx, name, key, { parent, labels: toRecord(labels) });
      return Empty.fromPartial({});
    },

    remove: async ({ snapshotter, key }, ctx) => {
      await snapshots.get(snapshotter).remove(ctx, key);
      return Empty.fromPartial({});
    },

    stat: async ({ snapshotter, key }, ctx) =>
      StatSnapshotResponse.fromPartial({ info: toInfoMessage(await snapshots.get(snapshotter).stat(ctx, key)) }),

    update: async ({ snapshotter, info, updateMask }, ctx) => {
      const store = snapshots.get(snapshotter);
      if (info === undefined) throw invalidArgument("info must be set");
      const updated = await store.update(ctx, { name: info.name, labels: toRecord(info.labels) }, updateMask);
      return UpdateSnapshotResponse.fromPartial({ info: toInfoMessage(updated) });
    },

    list: async function* ({ snapshotter, filters }, ctx) {
      for await (const page of snapshots.get(snapshotter).list(ctx, filters)) {
        yield ListSnapshotsResponse.fromPartial({ info: page.map(toInfoMessage) });
      }
    },

    usage: async ({ snapshotter, key }, ctx) => {
      const { sizeBytes, inodes } = await snapshots.get(snapshotter).usage(ctx, key);
      return UsageResponse.fromPartial({ size: BigInt(sizeBytes), inodes: BigInt(inodes) });
    },

    // Removed folders are the collector's business.
    cleanup: async ({ snapshotter }) => {
      snapshots.get(snapshotter);
      throw notImplemented("snapshotter does not implement Cleanup method");
    },
  });
