// berth content ingest: makes a blob of what stands on stdin.
// @source containerd cmd/ctr/commands/content/content.go (ingestCommand)
import { errorOf } from "../../../../api/core/errors.js";
import { writeBlob } from "../../../../api/core/write-blob.js";
import { defineCommand } from "../../command.js";
import { digestArgument } from "../../digest-argument.js";
import { UsageError } from "../../exit-status.js";
import { parsePositive } from "../../flags.js";
import { interruptible } from "../../interrupt.js";

interface IngestFlags {
  expectedSize: number;
  expectedDigest?: string;
}

export const command = defineCommand<IngestFlags>({
  arguments: "[key]",
  completes: ["none"],
  examples: [{ line: "berth content ingest my-layer < layer.tar.gz", does: "makes a blob of a file" }],
  help: `What was broken off goes on under the same key, and must then stand on stdin from its beginning. Nothing holds the blob; label it,
or the next run of the collector takes it:

  berth content label <digest> containerd.io/gc.root=1`,
  options: (command) => {
    command
      .option("--expected-size <bytes>", "refuse another size (default: 0, any)", parsePositive, 0)
      .option("--expected-digest <digest>", "refuse another digest");
  },
  run: async ({ client, request }, [ref = ""], { expectedSize: sizeBytes, expectedDigest }) => {
    if (ref === "") throw new UsageError("must specify a transaction reference");
    const expected = expectedDigest === undefined ? "" : digestArgument(expectedDigest);
    await interruptible(request, async (ctx) => {
      await writeBlob(client.content, ctx, { ref, sizeBytes, expected, bytes: (from) => input(from, sizeBytes) });
    });
  },
});

/** Stdin behind its first bytes. @throws unknown when it is shorter than was said. */
async function* input(fromBytes: number, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const chunk of process.stdin) {
    const bytes: Buffer = Buffer.from(chunk);
    const skipped = Math.min(Math.max(fromBytes - at, 0), bytes.length);
    at += bytes.length;
    if (skipped < bytes.length) yield bytes.subarray(skipped);
  }
  if (at < sizeBytes) throw errorOf("unknown", `failed to read expected number of bytes: ${at} of ${sizeBytes}`);
}
