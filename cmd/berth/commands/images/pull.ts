// berth images pull: an image from its registry, unpacked and ready to run.
// @source containerd cmd/ctr/commands/images/pull.go
import { resolveManifest } from "../../../../api/client/distribution/manifest.js";
import { pull } from "../../../../api/client/distribution/pull.js";
import { chainIds } from "../../../../api/client/distribution/unpack.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { collect, parseLabels, parseLimit } from "../../flags.js";
import { interruptible } from "../../interrupt.js";
import { addPlatformOptions, type PlatformFlags, runnablePlatforms, strictPlatforms } from "../../platform-flags.js";
import { showProgress } from "../../progress/show-progress.js";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../../registry-flags.js";
import { addSnapshotterOption, type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

interface PullFlags extends RegistryFlags, SnapshotterFlags, PlatformFlags {
  label?: string[];
  allMetadata?: boolean;
  printChainid?: boolean;
  maxConcurrentDownloads: number;
  unpack: boolean;
  local?: boolean;
}

export const command = defineCommand<PullFlags>({
  arguments: "[ref]",
  completes: ["image"],
  examples: [
    { line: "berth images pull docker.io/library/busybox:latest", does: "pulls and unpacks it" },
    {
      line: "berth images pull --platform linux/arm64 docker.io/library/busybox:latest",
      does: "the image of another platform",
    },
    {
      line: "berth images pull --user me:secret registry.example.com/app:1",
      does: "from a registry that asks who one is",
    },
  ],
  help: `The reference is a full one. Layers that are here are not fetched again, and one that was broken off goes on where it ended.`,
  options: (command) => {
    addRegistryOptions(command);
    addSnapshotterOption(command);
    addPlatformOptions(command, "pull");
    command
      .option("--label <key=value>", "label of the image (repeatable)", collect)
      .option("--all-metadata", "manifests and configs of all platforms")
      .option("--print-chainid", "print the chain id of the unpacked image")
      .option("--max-concurrent-downloads <number>", "downloads at a time; 0: no limit", parseLimit, 0)
      .option("--no-unpack", "leave the layers packed")
      .option("--local", "taken for scripts of newer clients: the client does it here in any case");
  },
  run: async ({ client, request, output }, [ref = "", ...more], flags) => {
    if (ref === "" || more.length > 0) throw new UsageError("please provide one image reference to pull");
    const isSeveral = flags.allPlatforms === true || (flags.platform?.length ?? 0) > 1;
    const platform = isSeveral ? strictPlatforms(flags) : runnablePlatforms(flags);
    await interruptible(request, async (ctx) => {
      await using registry = await openRegistry(flags);
      using display = showProgress(process.stdout);
      const { target } = await pull(client, ctx, ref, {
        registry,
        platform,
        allMatching: isSeveral,
        allMetadata: flags.allMetadata === true,
        labels: parseLabels(flags.label ?? []),
        maxConcurrent: flags.maxConcurrentDownloads,
        snapshotter: flags.unpack ? snapshotterOf(flags) : undefined,
        onProgress: display.onProgress,
      });
      if (flags.printChainid !== true) return;
      const { config } = await resolveManifest(client.content, ctx, target, platform);
      output.line(`image chain ID: ${chainIds(config.rootfs.diff_ids).at(-1) ?? ""}`);
    });
  },
});
