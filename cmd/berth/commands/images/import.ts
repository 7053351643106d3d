// berth images import: images out of an archive, OCI's or Docker's, unpacked.
// @source containerd cmd/ctr/commands/images/import.go
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { importImages } from "../../../../api/client/distribution/archive/import.js";
import { ALL_PLATFORMS, exactPlatforms, hostPlatform } from "../../../../api/client/distribution/platform.js";
import type { ProgressEvent } from "../../../../api/client/distribution/progress.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { collect, parseLabels } from "../../flags.js";
import { interruptible } from "../../interrupt.js";
import { addPlatformOptions, type PlatformFlags, strictPlatforms } from "../../platform-flags.js";
import { addSnapshotterOption, type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

interface ImportFlags extends SnapshotterFlags, PlatformFlags {
  baseName?: string;
  digests?: boolean;
  skipDigestForNamed?: boolean;
  indexName?: string;
  unpack: boolean;
  compressBlobs?: boolean;
  label?: string[];
  local?: boolean;
}

export const command = defineCommand<ImportFlags>({
  arguments: "[in]",
  completes: ["file"],
  examples: [
    { line: "berth images import saved.tar", does: "what docker save, skopeo, ctr or berth wrote" },
    { line: "docker save app:1 | berth images import -", does: "from another program" },
  ],
  help: `The archive may be compressed with gzip or zstd; "-" reads it from the input.`,
  options: (command) => {
    command
      .option("--base-name <name>", "only images of that name; a mere tag gets it in front")
      .option("--digests", "a name with the digest for each image as well")
      .option("--skip-digest-for-named", "but not for images that have a name")
      .option("--index-name <name>", "a name for the archive's index itself")
      .option("--no-unpack", "leave the layers packed")
      .option("--compress-blobs", "compress layers that are not (of Docker's archives)")
      .option("--label <key=value>", "label of the images (repeatable)", collect)
      .option("--local", "taken for scripts of newer clients: the client does it here in any case");
    addPlatformOptions(command, "import");
    addSnapshotterOption(command);
  },
  run: async (context, [path = "", ...more], flags) => {
    if (path === "" || more.length > 0) throw new UsageError("please provide one archive to import");
    const platform = strictPlatforms(flags);
    const source = path === "-" ? process.stdin : await openArchive(path);
    await interruptible(context.request, (request) =>
      importImages(context.client, request, source, {
        platform,
        unpackPlatform: platform === ALL_PLATFORMS ? exactPlatforms([hostPlatform()]) : platform,
        baseName: flags.baseName,
        digests: flags.digests === true,
        skipDigestForNamed: flags.skipDigestForNamed === true,
        indexName: flags.indexName,
        compressBlobs: flags.compressBlobs === true,
        snapshotter: flags.unpack ? snapshotterOf(flags) : undefined,
        labels: parseLabels(flags.label ?? []),
        onProgress: (event) => tell(context, event),
      }),
    );
  },
});

/** @throws UsageError when it cannot be opened. */
async function openArchive(path: string): Promise<Readable> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw new UsageError(`open ${path}: no such file or directory`);
    throw new UsageError(`open ${path}: ${error.message}`);
  });
  return createReadStream(path, { fd: file });
}

/** A line for each image, begun when its layers are begun and ended with them. */
function tell({ output }: CommandContext, { name, status, descriptor }: ProgressEvent): void {
  // Events of layers go by names of their own, which no image has.
  if (descriptor === undefined || name.startsWith("layer-")) return;
  if (status === "unpacking") output.text(`unpacking ${name} (${descriptor.digest})...`);
  if (status === "unpacked") output.text("done\n");
}
