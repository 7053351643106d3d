// Layers as they lie in a content store, read whole and told entry by entry.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "../../api/client/connect.js";
import type { RequestContext } from "../../api/core/context.js";
import { runProgram } from "./program.js";

/** A blob of a daemon. */
export async function readBlob(client: Pick<Client, "content">, ctx: RequestContext, digest: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of client.content.read(ctx, digest)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

/** As tar lists a gzipped layer; times after 2020 and those of whiteouts are everybody's own. */
export async function listLayer(layer: Buffer): Promise<string[]> {
  const dir = await mkdtemp(join(tmpdir(), "berth-layer-"));
  try {
    const file = join(dir, "layer");
    await writeFile(file, layer);
    const { stdout } = await runProgram("tar", ["--numeric-owner", "--full-time", "--xattrs", "-tvzf", file]);
    const untold = /20[2-9][0-9]-\S+ \S+|\S+ \S+(?= \S*\.wh\.)/;
    return stdout.split("\n").map((line) => line.replace(untold, "TIME"));
  } finally {
    await rm(dir, { recursive: true });
  }
}
