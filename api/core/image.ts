// Images: names for content. The target is a manifest or an index; what it needs stays alive through labels on content.
// @source containerd core/images/image.go, core/metadata/images.go
import type { RequestContext } from "./context.js";
import type { Descriptor } from "./descriptor.js";
import type { Labels } from "./labels.js";

/** An image's record: a name for content that the store may not have, or not all of it. */
export interface Image {
  /** Required, unique in its namespace, immutable: any text, as a rule a reference such as docker.io/library/busybox:latest. */
  readonly name: string;
  /** Optional, mutable. */
  readonly labels: Labels;
  /** Required, mutable: digest, size and media type of a manifest or an index. */
  readonly target: Descriptor;
  /** Nanoseconds since 1970. Set by the store, or by whoever creates it; immutable. */
  readonly createdAtNs: bigint;
  /** Nanoseconds since 1970. Set by the store at each change, or by whoever makes it. */
  readonly updatedAtNs: bigint;
}

/** What Create and Update take; the times are the store's. */
export interface NewImage {
  /** Required, not empty. */
  readonly name: string;
  /** Default: none. */
  readonly labels?: Labels;
  /** Required: a well-formed digest, a size above 0 and a media type; whether the blob is there is not looked at. */
  readonly target: Descriptor;
}

/** The images of each namespace; every call is about the one in its context. @throws failed_precondition without one. */
export interface ImageStore {
  /** @throws not_found. */
  get(ctx: RequestContext, name: string): Promise<Image>;
  /**
   * By name. Filter fields: name, target.digest, target.mediatype, labels.<key>, annotations.<key>.
   * @throws invalid_argument for a bad filter.
   */
  list(ctx: RequestContext, filters?: readonly string[]): Promise<Image[]>;
  /** `createdAtNs` replaces the clock, for reproducible records. @throws already_exists, invalid_argument. */
  create(ctx: RequestContext, image: NewImage, options?: { readonly createdAtNs?: bigint }): Promise<Image>;
  /**
   * Paths: `labels`, `labels.<key>`, `target`, `annotations` and `annotations.<key>` (the target's); without any, target and labels
   * are replaced. `updatedAtNs` replaces the clock. @throws not_found, invalid_argument.
   */
  update(
    ctx: RequestContext,
    image: NewImage,
    paths?: readonly string[],
    options?: { readonly updatedAtNs?: bigint },
  ): Promise<Image>;
  /**
   * `sync`: resolves when what became free has been collected. `target`: only if it still has this digest, else not_found.
   * @throws not_found.
   */
  delete(
    ctx: RequestContext,
    name: string,
    options?: { readonly sync?: boolean; readonly target?: Descriptor },
  ): Promise<void>;
}
