// What moving images around needs of a daemon: the stores of api/core, local or remote, whichever there are.
import type { ContentStore } from "../../core/content.js";
import type { Differ } from "../../core/diff.js";
import type { ImageStore } from "../../core/image.js";
import type { LeaseStore } from "../../core/lease.js";
import type { Snapshotters } from "../../core/snapshot.js";

/** A client is one, and so are the stores of an embedded daemon. */
export interface ImageStores {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  readonly snapshots: Snapshotters;
  readonly diff: Differ;
}
