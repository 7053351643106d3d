// Snapshots: layered root file systems. Active ones and views are handed out as mounts; committed ones are what others build on.
// @source containerd core/snapshots/snapshotter.go
import type { RequestContext } from "./context.js";
import type { Labels } from "./labels.js";
import type { Mount } from "./task.js";

/** `active`: writable, and can be committed. `view`: read-only, and cannot. `committed`: never changes, and has no mounts. */
export type SnapshotKind = "view" | "active" | "committed";

/** A snapshot's record. Only labels are mutable. */
export interface SnapshotInfo {
  /** Key of an active snapshot or a view, name of a committed one: one space of names per namespace and snapshotter. */
  readonly name: string;
  /** Name of the committed snapshot below; "" for none. */
  readonly parent: string;
  readonly kind: SnapshotKind;
  /** Nanoseconds since 1970; of a committed one, when it was committed. */
  readonly createdAtNs: bigint;
  /** Nanoseconds since 1970; set by the store at each change. */
  readonly updatedAtNs: bigint;
  /** Optional, mutable; a commit replaces them. */
  readonly labels: Labels;
}

/** What a snapshot adds to its parent. */
export interface SnapshotUsage {
  readonly sizeBytes: number;
  readonly inodes: number;
}

/** What a new snapshot lies on, and what is said of it. */
export interface PrepareOptions {
  /** Default: "", nothing below. */
  readonly parent?: string;
  /** Default: none. */
  readonly labels?: Labels;
}

/**
 * Label of a snapshot over nothing that will be put onto a parent when it is committed, so that layers can be filled side by side:
 * its mounts keep the signs of what a layer removes. The value says nothing, but must not be empty: such labels are not kept. For snapshotters with {@link LAYER_CAPABILITY}; others take no notice.
 */
export const LAYER_LABEL = "containerd.io/snapshot/berth.layer";
/** Ours alone: containerd's `rebase` promises the same of any snapshot; ours lose the signs in a bind mount without the label. */
export const LAYER_CAPABILITY = "berth.layer";

/** What a committed snapshot gets. */
export interface CommitSnapshotOptions {
  /** All labels that it will have; those of the active one go. Default: none. */
  readonly labels?: Labels;
  /**
   * Puts a snapshot that was prepared over nothing, with `berth.layer`, onto this committed one; any other snapshot must have
   * this parent already. Should the commit fail, the snapshot may be put onto the same parent again, and no other. Default: "", the
   * parent stays as it is. @throws failed_precondition without the label, or when it must be filled over this parent instead.
   */
  readonly parent?: string;
}

/** The snapshots of one snapshotter. */
export interface SnapshotStore {
  /** Whether layers are best filled side by side: it heeds `berth.layer`, and has the processors for it. */
  layersApart(ctx: RequestContext): Promise<boolean>;
  /** @throws not_found. */
  stat(ctx: RequestContext, key: string): Promise<SnapshotInfo>;
  /** By name, in pages. Filter fields: name, parent, kind, labels.<key>. @throws unknown for a bad filter, as containerd does. */
  list(ctx: RequestContext, filters?: readonly string[]): AsyncIterable<readonly SnapshotInfo[]>;
  /** Paths: `labels`, `labels.<key>`; without any, all labels are replaced. @throws not_found, invalid_argument. */
  update(
    ctx: RequestContext,
    info: { readonly name: string; readonly labels: Labels },
    paths?: readonly string[],
  ): Promise<SnapshotInfo>;
  /** An active one is measured now; a committed one was when it was committed; a view adds nothing. @throws not_found. */
  usage(ctx: RequestContext, key: string): Promise<SnapshotUsage>;
  /** Of an active snapshot or a view. @throws not_found, failed_precondition for a committed one. */
  mounts(ctx: RequestContext, key: string): Promise<readonly Mount[]>;
  /** A writable layer. @throws already_exists, not_found for the parent, invalid_argument when that is not committed. */
  prepare(ctx: RequestContext, key: string, options?: PrepareOptions): Promise<readonly Mount[]>;
  /** The same, read-only. */
  view(ctx: RequestContext, key: string, options?: PrepareOptions): Promise<readonly Mount[]>;
  /** Makes `key` the committed snapshot `name`; labels are replaced. @throws already_exists, not_found, failed_precondition. */
  commit(ctx: RequestContext, name: string, key: string, options?: CommitSnapshotOptions): Promise<void>;
  /** @throws not_found, failed_precondition while another snapshot builds on it. */
  remove(ctx: RequestContext, key: string): Promise<void>;
}

/** All snapshotters, by the names that requests use. */
export interface Snapshotters {
  /** @throws invalid_argument `snapshotter not loaded: <name>`. */
  get(name: string): SnapshotStore;
}
