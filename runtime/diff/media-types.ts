// What media types say of a layer's bytes.
// @source containerd core/images/mediatypes.go (DiffCompression), core/diff/stream.go
import { unknownError } from "../../api/core/errors.js";

export const PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar";

export const GZIP_LAYER = `${PLAIN_LAYER}+gzip`;

const NOT_LOOKED_AT = new Set([PLAIN_LAYER, "application/vnd.oci.image.layer.nondistributable.v1.tar"]);
/** A name in these does not bind: how the bytes are compressed, they tell themselves. */
const LOOKED_AT = new Set([
  ...[...NOT_LOOKED_AT].flatMap((type) => [`${type}+gzip`, `${type}+zstd`]),
  ...["application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar"].flatMap(
    (type) => [type, `${type}.gzip`, `${type}.zstd`],
  ),
]);

/** How a layer of a type is to be written; undefined for a type that is not made. */
export function compressionOf(mediaType: string): "none" | "gzip" | "zstd" | undefined {
  switch (mediaType) {
    case PLAIN_LAYER:
      return "none";
    case GZIP_LAYER:
      return "gzip";
    case `${PLAIN_LAYER}+zstd`:
      return "zstd";
    default:
      return undefined;
  }
}

/** Whether the bytes tell how they are compressed; otherwise they are not. @throws unknown for a type that is no layer. */
export function isSniffed(mediaType: string): boolean {
  if (LOOKED_AT.has(mediaType)) return true;
  if (NOT_LOOKED_AT.has(mediaType)) return false;
  throw unknownError(`failed to get stream processor for ${mediaType}: no processor for media-type`);
}
