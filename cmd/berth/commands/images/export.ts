// berth images export: images as one archive that Docker, containerd and others read.
// @source containerd cmd/ctr/commands/images/export.go
import type { Writable } from "node:stream";
import { exportImages } from "../../../../api/client/distribution/archive/export.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { interruptible } from "../../interrupt.js";
import { addPlatformOptions, type PlatformFlags, runnablePlatforms } from "../../platform-flags.js";
import { wholeFile } from "../../whole-file.js";

interface ExportFlags extends PlatformFlags {
  skipManifestJson?: boolean;
  skipNonDistributable?: boolean;
  local?: boolean;
}

export const command = defineCommand<ExportFlags>({
  arguments: "[out] [images...]",
  completes: ["file", "image"],
  examples: [
    { line: "berth images export busybox.tar docker.io/library/busybox:latest", does: "an archive with one image" },
    { line: "berth images export - example.com/app:1 | ssh host berth images import -", does: "to another machine" },
  ],
  help: `"-" writes the archive to the output. A file appears when it is whole.`,
  options: (command) => {
    command
      .option("--skip-manifest-json", "leave out the file that Docker reads")
      .option("--skip-non-distributable", "leave out layers that must not be passed on")
      .option("--local", "taken for scripts of newer clients: the client does it here in any case");
    addPlatformOptions(command, "export");
  },
  run: async ({ client, request }, [path = "", ...names], flags) => {
    if (path === "" || names.length === 0) {
      throw new UsageError("please provide both an output filename and an image reference to export");
    }
    await interruptible(request, async (ctx) => {
      const images = await Promise.all(names.map((name) => client.images.get(ctx, name)));
      const options = {
        platform: runnablePlatforms(flags),
        allPlatforms: flags.allPlatforms === true,
        skipManifestJson: flags.skipManifestJson === true,
        skipNonDistributable: flags.skipNonDistributable === true,
      };
      const write = (destination: Writable) => exportImages(client, ctx, images, destination, options);
      if (path === "-") await write(process.stdout);
      else await wholeFile(path, write);
    });
  },
});
