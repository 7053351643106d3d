// Where the files of snapshots lie: what the metadata room needs of a snapshotter. A backend keeps folders by number and no
// records: which snapshots there are, their names, parents and kinds is the store's to know, in its transactions.
// @source containerd plugins/snapshots/{overlay,native} (folders and mounts)
import type { Labels } from "./labels.js";
import type { SnapshotUsage } from "./snapshot.js";
import type { Mount } from "./task.js";

/** A snapshot as its backend sees it. */
export interface SnapshotFolder {
  /** Never used twice by one backend. */
  readonly id: number;
  readonly kind: "view" | "active" | "committed";
  /** Ids of the snapshots below, the nearest first. */
  readonly parents: readonly number[];
  /** Those that backends may act on: `containerd.io/snapshot/*` and `containerd.io/snapshot.ref`. */
  readonly labels: Labels;
}

export interface SnapshotBackend {
  /** As requests name it: `overlayfs`, `native`. */
  readonly name: string;
  readonly rootDir: string;
  /** What the refusal of mounts calls them: containerd's two differ. */
  readonly mountsName: "active mount" | "snapshot mount";
  /** Whether it heeds `LAYER_LABEL`: such a snapshot can be put onto a parent when it is committed. */
  readonly canRebase: boolean;
  /**
   * A snapshot prepared with `LAYER_LABEL` is about to lie on these, the nearest first: what could not be known when it was filled
   * is mended. Again with the same ones does no harm. @throws failed_precondition when it must be filled over them instead.
   */
  settleLayer(id: number, parents: readonly number[]): Promise<void>;
  /** Whether it works on this machine; else why not. Asked once, at start. */
  check(): Promise<string | undefined>;
  /** Makes the folders of a new view or active snapshot. After a failure nothing of it is left. */
  create(folder: SnapshotFolder): Promise<void>;
  /** The mounts of a view or active snapshot. */
  mounts(folder: SnapshotFolder): readonly Mount[];
  /** Measured by walking; nothing when there are no folders. */
  usage(id: number): Promise<SnapshotUsage>;
  /** Frees the folders; fine when there are none. */
  remove(id: number): Promise<void>;
  /** Ids that have folders. */
  list(): Promise<readonly number[]>;
  /**
   * Takes folders out of sight, in this order, and with them whatever a crash left half made or half removed. Quick: nobody may
   * create or remove meanwhile. What it resolves with frees them, which may take its time, and answers the bytes that they took.
   */
  retire(ids: readonly number[]): Promise<() => Promise<number>>;
}
