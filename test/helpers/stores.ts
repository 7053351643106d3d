// The stores of a daemon without the daemon: what an embedder has, in a folder of its own.
import { join } from "node:path";
import type { ImageStores } from "../../api/client/distribution/stores.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import type { Metadata, MetadataOptions } from "../../metadata/index.js";
import { openContentBackend } from "../../runtime/content/backend.js";
import { createDiffer } from "../../runtime/diff/differ.js";
import { snapshotBackends } from "../../runtime/snapshotters/index.js";
import { temporaryMetadata } from "./metadata.js";
import { tempDir } from "./temp.js";

export interface LocalStores extends ImageStores {
  readonly metadata: Metadata;
}

/** Opens them; they close with the scope. `options` are the metadata store's. */
export async function localStores(scope: DisposeScope, options: Partial<MetadataOptions> = {}): Promise<LocalStores> {
  const root = await tempDir(scope);
  const content = await openContentBackend({ rootDir: join(root, "content") });
  const metadata = await temporaryMetadata(scope, {
    ...options,
    root,
    content,
    snapshotBackends: snapshotBackends(root),
  });
  const diff = scope.use(
    await createDiffer({
      content: metadata.content,
      blobPath: (digest) => content.path(digest),
      tempDir: join(root, "tmpmounts"),
    }),
  );
  const { images, leases, snapshots } = metadata;
  return { content: metadata.content, images, leases, snapshots, diff, metadata };
}
