// Images: names for content. The target is a manifest or an index; what it needs stays alive through labels on content.
// @source containerd core/images/image.go, core/metadata/images.go
import type { RequestContext } from "./context.js";
import type { Descriptor } from "./descriptor.js";
import type { Labels } from "./labels.js";

export interface Image {
  /** Required, unique in its namespace, immutable: any text, as a rule a reference such as docker.io/library/busybox:latest. */
  readonly name: string;
  readonly labels: Labels;
  readonly target: Descriptor;
  readonly createdAtNs: bigint;
  readonly updatedAtNs: bigint;
}

export interface NewImage {
  readonly name: string;
  readonly labels?: Labels;
  readonly target: Descriptor;
}

export interface ImageStore {
  /** @throws not_found. */
  get(ctx: RequestContext, name: string): Promise<Image>;
  /** By name. Filter fields: name, target.digest, target.mediatype, labels.<key>, annotations.<key>. */
  list(ctx: RequestContext, filters?: readonly string[]): Promise<Image[]>;
  /** `createdAtNs` replaces the clock, for reproducible records. @throws already_exists, invalid_argument. */
  create(ctx: RequestContext, image: NewImage, options?: { readonly createdAtNs?: bigint }): Promise<Image>;
  /** Paths as the wire spells them; without any, target and labels are replaced. @throws not_found, invalid_argument. */
  update(
    ctx: RequestContext,
    image: NewImage,
    paths?: readonly string[],
    options?: { readonly updatedAtNs?: bigint },
  ): Promise<Image>;
  /**
   * `sync`: resolves when what became free has been collected. `target`: only if it still has this digest.
   * @throws not_found.
   */
  delete(
    ctx: RequestContext,
    name: string,
    options?: { readonly sync?: boolean; readonly target?: Descriptor },
  ): Promise<void>;
}
