// What the files of containers take of a client: its stores, near or far.
import type { ContainerStore } from "../../core/container.js";
import type { ContentStore } from "../../core/content.js";
import type { Differ } from "../../core/diff.js";
import type { ImageStore } from "../../core/image.js";
import type { LeaseStore } from "../../core/lease.js";
import type { Snapshotters } from "../../core/snapshot.js";
import type { Tasks } from "../../core/task.js";

export interface FilesClient {
  /** Of calls that name none. */
  readonly namespace: string | undefined;
  readonly containers: ContainerStore;
  readonly content: ContentStore;
  readonly diff: Differ;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  readonly snapshots: Snapshotters;
  readonly tasks: Tasks;
}
