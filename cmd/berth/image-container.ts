// A container of an image: its snapshot is prepared, its spec made of the image's config and the flags. Loaded only when there is one.
// @source containerd cmd/ctr/commands/run/run_unix.go
import { hostPlatform, onlyPlatforms, parsePlatform } from "../../api/client/distribution/platform.js";
import { imageLabels, imageProcess, prepareImageRoot } from "../../api/client/image-container.js";
import { cleanupOf, removeSnapshot } from "../../api/client/run/remove.js";
import type { IdMapping } from "../../api/client/spec/oci.js";
import { isNotFound } from "../../api/core/errors.js";
import type { Image } from "../../api/core/image.js";
import type { Labels } from "../../api/core/labels.js";
import type { CommandContext } from "./command.js";
import { recordOf, specOf } from "./container-flags.js";
import type { ContainerFlags, Target } from "./container-request.js";
import type { CreatedContainer } from "./created-container.js";
import { UsageError } from "./exit-status.js";
import { parseLabels } from "./flags.js";
import { idMapsOf } from "./isolation-flags.js";
import { snapshotterOf } from "./snapshotter-flag.js";

/** The record, its snapshot there already. To be called under a lease. @throws not_found for the image. */
export async function containerOfImage(
  context: CommandContext,
  flags: ContainerFlags,
  target: Target,
): Promise<CreatedContainer> {
  const { client, request, namespace } = context;
  const { id } = target;
  const snapshotter = snapshotterOf(flags);
  const platform = onlyPlatforms([flags.platform === undefined ? hostPlatform() : parsePlatform(flags.platform)]);
  const image = await imageOf(context, flags, target.source);
  const maps = idMapsOf(flags);
  const byLabels = maps !== undefined && flags.remapLabels === true;
  const labels = { ...parseLabels(flags.snapshotterLabel ?? []), ...(byLabels && mappingLabels(maps)) };
  const shift = maps === undefined || byLabels ? undefined : { uid: maps.uid.hostID, gid: maps.gid.hostID };
  const root = await prepareImageRoot(client, request, image, { key: id, snapshotter, platform, labels, shift });
  try {
    const process = await imageProcess(root, flags.user);
    const args = target.args.length > 0 ? target.args : process.args;
    if (args.length === 0) throw new UsageError(`image ${image.name} names no command, so one must be given`);
    const own = { rootfs: "rootfs", args, cwd: flags.cwd ?? process.cwd, user: process.user, baseEnv: process.env };
    const record = recordOf(flags, id, await specOf(flags, namespace, id, own));
    return {
      container: {
        ...record,
        labels: { ...imageLabels(image, root.config), ...record.labels },
        image: image.name,
        snapshotter,
        snapshotKey: id,
      },
      rootfs: root.mounts,
    };
  } catch (error) {
    await removeSnapshot(client, cleanupOf(request), { id, snapshotter, snapshotKey: id }).catch(() => undefined);
    throw error;
  }
}

/** For snapshotters that move the owners of files by themselves. */
function mappingLabels({ uid, gid }: { readonly uid: IdMapping; readonly gid: IdMapping }): Labels {
  const range = ({ hostID, size }: IdMapping): string => `0:${hostID}:${size}`;
  return {
    "containerd.io/snapshot/uidmapping": range(uid),
    "containerd.io/snapshot/gidmapping": range({ ...gid, size: uid.size }),
  };
}

/** The image, fetched if --pull wants it. */
async function imageOf(context: CommandContext, flags: ContainerFlags, name: string): Promise<Image> {
  const { client, request } = context;
  const { pull = "never" } = flags;
  if (pull !== "always") {
    try {
      return await client.images.get(request, name);
    } catch (error) {
      if (pull === "never" || !isNotFound(error)) throw error;
    }
  }
  const { pullForRun } = await import("./pull-image.js");
  return await pullForRun(context, flags, name);
}
