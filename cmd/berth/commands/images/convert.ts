// berth images convert: an image in another form under another name, the original untouched.
// @source containerd cmd/ctr/commands/images/convert.go
import { convertImage } from "../../../../api/client/distribution/convert.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { interruptible } from "../../interrupt.js";
import { addPlatformOptions, type PlatformFlags, strictPlatforms } from "../../platform-flags.js";
import { showWaiting } from "../../progress/waiting.js";

interface ConvertFlags extends PlatformFlags {
  uncompress?: boolean;
  oci?: boolean;
}

export const command = defineCommand<ConvertFlags>({
  arguments: "[source] [target]",
  completes: ["image", "none"],
  examples: [
    {
      line: "berth images convert --oci --uncompress example.com/app:1 example.com/app:plain",
      does: "an image with OCI's media types and plain layers; prints its digest",
    },
  ],
  help: "The digest of the new image is printed.",
  options: (command) => {
    command
      .option("--uncompress", "layers without compression")
      .option("--oci", "OCI's media types in the place of Docker's");
    addPlatformOptions(command, "convert");
  },
  run: async ({ client, request, output }, [source = "", target = ""], flags) => {
    if (source === "" || target === "") throw new UsageError("src and target image need to be specified");
    const image = await interruptible(request, (ctx) =>
      showWaiting(
        `converting ${source}`,
        convertImage(client, ctx, source, target, {
          uncompress: flags.uncompress === true,
          toOci: flags.oci === true,
          platform: strictPlatforms(flags),
        }),
      ),
    );
    output.line(image.target.digest);
  },
});
