// berth content fetch: all that an image consists of, left packed.
// @source containerd cmd/ctr/commands/content/fetch.go
import { pull } from "../../../../api/client/distribution/pull.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { collect, parseLabels } from "../../flags.js";
import { interruptible } from "../../interrupt.js";
import { addPlatformOptions, type PlatformFlags, runnablePlatforms, strictPlatforms } from "../../platform-flags.js";
import { showProgress } from "../../progress/show-progress.js";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../../registry-flags.js";

interface FetchFlags extends RegistryFlags, PlatformFlags {
  label?: string[];
  allMetadata?: boolean;
  metadataOnly?: boolean;
}

export const command = defineCommand<FetchFlags>({
  arguments: "[remote]",
  completes: ["image"],
  examples: [
    { line: "berth content fetch docker.io/library/busybox:latest", does: "what an image consists of, left packed" },
  ],
  options: (command) => {
    addRegistryOptions(command);
    addPlatformOptions(command, "fetch");
    command
      .option("--label <key=value>", "label of the image (repeatable)", collect)
      .option("--all-metadata", "manifests and configs of all platforms")
      .option("--metadata-only", "manifests and configs of all platforms, and no layers");
  },
  run: async ({ client, request }, [ref = ""], flags) => {
    if (ref === "") throw new UsageError("please provide an image reference to fetch");
    const isSeveral = flags.allPlatforms === true || (flags.platform?.length ?? 0) > 1;
    await interruptible(request, async (ctx) => {
      await using registry = await openRegistry(flags);
      using display = showProgress(process.stdout);
      await pull(client, ctx, ref, {
        registry,
        platform: isSeveral ? strictPlatforms(flags) : runnablePlatforms(flags),
        allMatching: isSeveral,
        allMetadata: flags.allMetadata === true,
        metadataOnly: flags.metadataOnly === true,
        labels: parseLabels(flags.label ?? []),
        onProgress: display.onProgress,
      });
    });
  },
});
