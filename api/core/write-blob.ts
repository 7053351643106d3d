// Writing a whole blob into any content store, as clients do it: waiting while somebody else writes under the same ref, going on
// where an earlier try ended, content with a blob that turns out to be there.
// @source containerd core/content/helpers.go (OpenWriter, WriteBlob, Copy)
import type { CommitOptions, ContentStore, ContentWriter, WriterOptions } from "./content.js";
import type { RequestContext } from "./context.js";
import { isAlreadyExists, isUnavailable } from "./errors.js";

const FIRST_WAIT_MS = 16;
const LONGEST_WAIT_MS = 2048;

/** What it takes of a content store to write blobs. */
export type ContentIngester = Pick<ContentStore, "openWriter">;

/** Opens a writer, however long another one is at work under the ref; the caller's signal ends the waiting. */
export async function waitForWriter(
  store: ContentIngester,
  ctx: RequestContext,
  options: WriterOptions,
): Promise<ContentWriter> {
  for (let limitMs = FIRST_WAIT_MS; ; limitMs = Math.min(limitMs * 2, LONGEST_WAIT_MS)) {
    try {
      return await store.openWriter(ctx, options);
    } catch (error) {
      if (!isUnavailable(error) || !isLocked(error) || ctx.signal?.aborted === true) throw error;
    }
    // A random part of it: two who wait for each other's refs must not keep in step.
    await sleep(Math.random() * limitMs, ctx.signal);
  }
}

/** A daemon that is not there is unavailable too, and worth no waiting; only the words tell the two apart. */
const isLocked = (error: unknown): boolean => error instanceof Error && / locked for /.test(error.message);

function sleep(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** Where the bytes of a blob come from. */
export interface BlobSource extends CommitOptions, Pick<WriterOptions, "ref"> {
  /**
   * All bytes from `offsetBytes` on; asked for once, with what is there from an earlier try. `lost` aborts, with the error, when
   * nobody can take them any more, which a source that waits for bytes would not notice.
   */
  bytes(offsetBytes: number, lost?: AbortSignal): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Writes a blob unless it is there. @returns its digest. @throws failed_precondition for other bytes than promised. */
export async function writeBlob(store: ContentIngester, ctx: RequestContext, source: BlobSource): Promise<string> {
  const { ref, sizeBytes = 0, expected = "" } = source;
  let digest = expected;
  try {
    await using writer = await waitForWriter(store, ctx, { ref, totalBytes: sizeBytes, expected });
    // Whoever has all the bytes already, from an earlier try or from another namespace, is sent none.
    const isWhole = sizeBytes > 0 && writer.offsetBytes === sizeBytes;
    if (!isWhole) for await (const chunk of source.bytes(writer.offsetBytes, writer.lost)) await writer.write(chunk);
    digest = writer.digest();
    return await writer.commit(source);
  } catch (error) {
    if (isAlreadyExists(error) && digest !== "") return digest;
    throw error;
  }
}
