// What the pieces of the snapshot store share: the parts they work with, and how they speak of a snapshot.
import { type ContainerdError, notFound } from "../api/core/errors.js";
import type { SnapshotBackend } from "../api/core/snapshot-backend.js";
import type { Database } from "./db.js";
import type { SnapshotRow, SnapshotScope } from "./snapshot-rows.js";

export interface SnapshotParts {
  readonly db: Database;
  readonly backend: SnapshotBackend;
}

/** How containerd's backends name a snapshot, and so some error texts. */
export const backendKey = ({ namespace }: SnapshotScope, { seq, name }: Pick<SnapshotRow, "seq" | "name">): string =>
  `${namespace}/${seq}/${name}`;

export const missingSnapshot = (name: string): ContainerdError => notFound(`snapshot ${name} does not exist`);
