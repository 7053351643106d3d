// A layer on its way into the content store: the ingest, the labels, and what to do when the blob is there already.
// @source containerd plugins/diff/walking/differ.go
import { randomBytes } from "node:crypto";
import type { ContentStore, ContentWriter } from "../../api/core/content.js";
import type { RequestContext } from "../../api/core/context.js";
import type { Descriptor } from "../../api/core/descriptor.js";
import { isAlreadyExists } from "../../api/core/errors.js";
import type { Labels } from "../../api/core/labels.js";
import type { ArchiveSummary } from "./job.js";

const UNCOMPRESSED = "containerd.io/uncompressed";
const CLEANUP_MS = 10_000;

export interface NewLayer {
  readonly mediaType: string;
  /** The caller's; undefined: one is made up. */
  readonly ref: string | undefined;
  readonly labels: Labels;
  /** Then the digest of the archive goes into a label. */
  readonly isCompressed: boolean;
}

/** Writes what `produce` hands out. On failure an ingest of a made-up name goes; the caller's own stays. */
export async function storeLayer(
  content: ContentStore,
  ctx: RequestContext,
  blob: NewLayer,
  produce: (onData: (bytes: Uint8Array) => Promise<void>) => Promise<ArchiveSummary>,
): Promise<Descriptor> {
  const { mediaType } = blob;
  const ref = blob.ref ?? `${process.hrtime.bigint()}-${randomBytes(3).toString("base64url")}`;
  try {
    await using writer = await content.openWriter(ctx, { ref });
    if (writer.offsetBytes > 0) await writer.reset();
    let sizeBytes = 0;
    const archive = await produce(async (bytes) => {
      sizeBytes += bytes.length;
      await writer.write(bytes);
    });
    const labels = blob.isCompressed ? { ...blob.labels, [UNCOMPRESSED]: archive.digest } : blob.labels;
    const digest = await commit(writer, sizeBytes, labels);
    if (blob.isCompressed) await ensureLabel(content, ctx, digest, archive.digest);
    return { mediaType, digest, sizeBytes, annotations: {} };
  } catch (error) {
    if (blob.ref === undefined) {
      // The caller's signal may be why we are here.
      const own = { ...ctx, signal: AbortSignal.timeout(CLEANUP_MS) };
      await content.abort(own, ref).catch(() => {});
    }
    throw error;
  }
}

/** That the blob is there already is as good. */
async function commit(writer: ContentWriter, sizeBytes: number, labels: Labels): Promise<string> {
  const digest = writer.digest();
  try {
    return await writer.commit({ sizeBytes, expected: digest, labels });
  } catch (error) {
    if (isAlreadyExists(error)) return digest;
    throw error;
  }
}

/** A blob that was there may not say yet what it is uncompressed. */
async function ensureLabel(content: ContentStore, ctx: RequestContext, digest: string, value: string): Promise<void> {
  const { labels } = await content.info(ctx, digest);
  if (labels[UNCOMPRESSED] !== undefined) return;
  await content.update(ctx, { digest, labels: { [UNCOMPRESSED]: value } }, [`labels.${UNCOMPRESSED}`]);
}
