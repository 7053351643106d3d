// What the suites of content have in common: blobs of chance, and ways to put them into a store.
import { createHash, randomBytes } from "node:crypto";
import { expect } from "vitest";
import type { CommitOptions, ContentReader, ContentStore, WriterOptions } from "../../api/core/content.js";
import type { RequestContext } from "../../api/core/context.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import type { LeaseStore } from "../../api/core/lease.js";

export interface ContentWorld {
  readonly content: ContentStore;
  readonly leases: LeaseStore;
}

/** Makes the stores under test. What it opens it gives to the scope, which ends with the test. */
export type MakeContentWorld = (scope: DisposeScope) => Promise<ContentWorld>;

/** Keeps what nothing refers to from being collected. */
export const ROOT = { "containerd.io/gc.root": "test" };

export const freshContext = (): RequestContext => ({ namespace: `bt-${randomBytes(5).toString("hex")}` });

export const digestOf = (bytes: Uint8Array, algorithm = "sha256"): string =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;

export async function readAll(reading: ReturnType<ContentReader["read"]>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reading) {
    expect(chunk.length).toBeLessThanOrEqual(1 << 20);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Writes under `ref` and commits. @returns the digest. */
export async function commitBytes(
  content: ContentStore,
  ctx: RequestContext,
  bytes: Uint8Array,
  options: Partial<WriterOptions> & CommitOptions = {},
): Promise<string> {
  const { ref = randomBytes(8).toString("hex"), labels = ROOT, ...more } = options;
  await using writer = await content.openWriter(ctx, { ref });
  await writer.write(bytes);
  return await writer.commit({ ...more, labels });
}

/** Writes under `ref` and leaves it at that. */
export async function leaveIngest(
  content: ContentStore,
  ctx: RequestContext,
  options: WriterOptions,
  bytes: Uint8Array,
): Promise<void> {
  await using writer = await content.openWriter(ctx, options);
  await writer.write(bytes);
}
