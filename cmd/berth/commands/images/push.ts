// berth images push: an image into a registry, layers that it has left out.
// @source containerd cmd/ctr/commands/images/push.go
import { byPreference, childrenOf } from "../../../../api/client/distribution/manifest.js";
import { isIndex, OCI_MANIFEST } from "../../../../api/client/distribution/media-types.js";
import { ALL_PLATFORMS, exactPlatforms, parsePlatform } from "../../../../api/client/distribution/platform.js";
import { push } from "../../../../api/client/distribution/push.js";
import type { RequestContext } from "../../../../api/core/context.js";
import type { Descriptor } from "../../../../api/core/descriptor.js";
import { notFound } from "../../../../api/core/errors.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { collect, parseLimit } from "../../flags.js";
import { interruptible } from "../../interrupt.js";
import { showProgress } from "../../progress/show-progress.js";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../../registry-flags.js";

interface PushFlags extends RegistryFlags {
  manifest?: string;
  manifestType: string;
  platform?: string[];
  maxConcurrentUploadedLayers: number;
  allowNonDistributableBlobs?: boolean;
  local?: boolean;
}

export const command = defineCommand<PushFlags>({
  arguments: "[remote] [local]",
  completes: ["image", "image"],
  examples: [
    { line: "berth images push registry.example.com/app:1", does: "pushes the image of that name" },
    {
      line: "berth images push registry.example.com/app:1 app:dev",
      does: "pushes an image that has another name here",
    },
  ],
  help: `Without a local name the remote one is that of the image here too.`,
  options: (command) => {
    addRegistryOptions(command);
    command
      .option("--manifest <digest>", "push that manifest and not an image's")
      .option("--manifest-type <type>", "its media type", OCI_MANIFEST)
      .option("--platform <os/arch>", "push only that of an index; one alone is pushed without its index", collect)
      .option("--max-concurrent-uploaded-layers <number>", "uploads at a time; 0: no limit", parseLimit, 0)
      .option("--allow-non-distributable-blobs", "push layers too that must not be passed on")
      .option("--local", "taken for scripts of newer clients: the client does it here in any case");
  },
  run: async (context, [remote = "", local = remote, ...more], flags) => {
    if (remote === "" || more.length > 0) throw new UsageError("please provide a remote image reference to push");
    await interruptible(context.request, async (ctx) => {
      const target = await targetOf(context, ctx, local, flags);
      await using registry = await openRegistry(flags);
      using display = showProgress(process.stdout);
      await push(context.client, ctx, remote, target, {
        registry,
        platform: flags.platform === undefined ? ALL_PLATFORMS : exactPlatforms(flags.platform.map(parsePlatform)),
        maxConcurrent: flags.maxConcurrentUploadedLayers,
        allowNonDistributable: flags.allowNonDistributableBlobs === true,
        onProgress: display.onProgress,
      });
    });
  },
});

/** What is pushed: a manifest by digest, the manifest of the one platform that is asked for, else the image's target. */
async function targetOf(
  { client }: CommandContext,
  ctx: RequestContext,
  name: string,
  { manifest, manifestType, platform }: PushFlags,
): Promise<Descriptor> {
  if (manifest !== undefined) {
    const { sizeBytes } = await client.content.info(ctx, manifest);
    return { mediaType: manifestType, digest: manifest, sizeBytes, annotations: {} };
  }
  const { target } = await client.images.get(ctx, name);
  const [only, ...others] = platform ?? [];
  if (only === undefined || others.length > 0 || !isIndex(target.mediaType)) return target;
  const children = await childrenOf(client.content, ctx, target);
  const [best] = byPreference(children, exactPlatforms([parsePlatform(only)]));
  if (best === undefined) throw notFound(`platform ${only} of image ${name}`);
  return { mediaType: best.mediaType, digest: best.digest, sizeBytes: best.sizeBytes, annotations: {} };
}
