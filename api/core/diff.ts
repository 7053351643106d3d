// Diffs: layers unpacked into mounts, and layers made of what differs between two trees.
// @source containerd core/diff/diff.go
import type { RequestContext } from "./context.js";
import type { Descriptor } from "./descriptor.js";
import type { Labels } from "./labels.js";
import type { Mount } from "./task.js";

/** How a layer is unpacked. */
export interface ApplyOptions {
  /** Write the file system to disk before resolving. Default: false. */
  readonly syncFs?: boolean;
}

/** What a new layer is to be. All optional. */
export interface DiffOptions {
  /** An OCI layer: plain, `+gzip` or `+zstd`. Default: the one with `+gzip`. */
  readonly mediaType?: string;
  /** Name of the ingest; what it had is dropped. Default: one is made up. */
  readonly ref?: string;
  /** Of the new blob. A compressed one gets `containerd.io/uncompressed` as well, the diff id. Default: none. */
  readonly labels?: Labels;
  /** Nanoseconds since 1970: time of whiteouts, latest time of all others. Default: whiteouts are of 1970, others as they are. */
  readonly sourceDateEpochNs?: bigint;
}

/** Turns layers into trees and back. Mounts are such as a snapshotter hands out, of the daemon's host. */
export interface Differ {
  /**
   * Unpacks a layer of the content store into mounts. Nothing outside them is read or written, whatever the layer says.
   * @returns the layer uncompressed: its digest is the diff id, its size counts every byte.
   * @throws not_found for the layer; unknown for a malformed one and for a media type that is no layer, as containerd does.
   */
  apply(ctx: RequestContext, layer: Descriptor, mounts: readonly Mount[], options?: ApplyOptions): Promise<Descriptor>;
  /**
   * Writes what turns `left` into `right` as a layer into the content store. No mounts are an empty tree.
   * @returns the blob as it was written; one that was there already is as good.
   * @throws not_implemented for a media type that is not made; invalid_argument for mounts with a target of their own; unknown
   * for what fails on the way.
   */
  diff(
    ctx: RequestContext,
    left: readonly Mount[],
    right: readonly Mount[],
    options?: DiffOptions,
  ): Promise<Descriptor>;
}
