// berth content push-object: one blob into a repository.
// @source containerd cmd/ctr/commands/content/content.go (pushObjectCommand)
import { parseReference } from "../../../../api/core/reference.js";
import { defineCommand } from "../../command.js";
import { digestArgument } from "../../digest-argument.js";
import { UsageError } from "../../exit-status.js";
import { interruptible } from "../../interrupt.js";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../../registry-flags.js";

export const command = defineCommand<RegistryFlags>({
  arguments: "[remote] [digest] [type]",
  completes: ["none", "content", "none"],
  examples: [
    {
      line: "berth content push-object registry.example.com/app:1 sha256:… application/vnd.oci.image.manifest.v1+json",
      does: "pushes one blob, here a manifest, which gets the tag",
    },
  ],
  help: "A manifest gets the tag of the reference. The type is a media type, such as application/vnd.oci.image.layer.v1.tar+gzip.",
  options: addRegistryOptions,
  run: async ({ client, request, output }, [remote = "", text, mediaType = ""], flags) => {
    const digest = digestArgument(text);
    const reference = parseReference(remote);
    if (mediaType === "") throw new UsageError("please name the media type of the object");
    await interruptible(request, async (ctx) => {
      const { sizeBytes } = await client.content.info(ctx, digest);
      const target = { mediaType, digest, sizeBytes, annotations: {} };
      await using registry = await openRegistry(flags);
      const source = { bytes: () => client.content.read(ctx, digest), mountFrom: [] };
      await registry.pusher(reference, target).push(target, source, ctx.signal);
      output.line(`Pushed ${digest} ${mediaType}`);
    });
  },
});
