// Diffs: layers unpacked into mounts, and layers made of what differs between two trees.
// @source containerd core/diff/diff.go
import type { RequestContext } from "./context.js";
import type { Descriptor } from "./descriptor.js";
import type { Labels } from "./labels.js";
import type { Mount } from "./task.js";

export interface ApplyOptions {
  /** Write the file system to disk before resolving. Default: false. */
  readonly syncFs?: boolean;
}

export interface DiffOptions {
  /** Of the layer. Default: a gzipped OCI layer. */
  readonly mediaType?: string;
  /** Name of the ingest; what it had is dropped. Default: one is made up. */
  readonly ref?: string;
  /** Of the new blob. */
  readonly labels?: Labels;
  /** Time of whiteouts, and the latest of all others. Default: whiteouts are of 1970, others as they are. */
  readonly sourceDateEpochNs?: bigint;
}

export interface Differ {
  /**
   * Unpacks a layer of the content store into mounts. Nothing outside them is read or written, whatever the layer says.
   * @returns the layer uncompressed: its digest is the diff id, its size counts every byte.
   * @throws not_found for the layer; unknown for a malformed one and for a media type that is no layer, as containerd does.
   */
  apply(ctx: RequestContext, layer: Descriptor, mounts: readonly Mount[], options?: ApplyOptions): Promise<Descriptor>;
  /** Writes what turns `left` into `right` as a layer into the content store. No mounts are an empty tree. */
  diff(
    ctx: RequestContext,
    left: readonly Mount[],
    right: readonly Mount[],
    options?: DiffOptions,
  ): Promise<Descriptor>;
}
