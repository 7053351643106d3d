// The media types of images, and what each is.
// @source opencontainers/image-spec media-types.md; containerd core/images/mediatypes.go
import type { Descriptor } from "../../core/descriptor.js";

export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
export const OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
export const OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";
export const DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
export const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";
export const DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip";

const TO_OCI = new Map([
  [DOCKER_INDEX, OCI_INDEX],
  [DOCKER_MANIFEST, OCI_MANIFEST],
  [DOCKER_CONFIG, OCI_CONFIG],
  [DOCKER_LAYER, OCI_LAYER],
  [DOCKER_LAYER_GZIP, OCI_LAYER_GZIP],
]);

/** OCI's name for what Docker names otherwise; others stay as they are. */
export const ociTypeOf = (mediaType: string): string => TO_OCI.get(mediaType) ?? mediaType;

const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;

export const isIndex = (mediaType: string): boolean => mediaType === OCI_INDEX || mediaType === DOCKER_INDEX;
export const isManifest = (mediaType: string): boolean => mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;
export const isConfig = (mediaType: string): boolean => mediaType === OCI_CONFIG || mediaType === DOCKER_CONFIG;
export const isSchema1 = (mediaType: string): boolean => SCHEMA_1.test(mediaType);

/** Layers of any form, those that must not be passed on included. */
export const isLayer = (mediaType: string): boolean =>
  mediaType.startsWith("application/vnd.oci.image.layer.") ||
  mediaType.startsWith("application/vnd.docker.image.rootfs.");

/** Layers that their makers keep to themselves: not pushed, and left out of archives on demand. */
export const isNonDistributable = (mediaType: string): boolean =>
  mediaType.startsWith("application/vnd.oci.image.layer.nondistributable.") ||
  mediaType.startsWith("application/vnd.docker.image.rootfs.foreign.");

const ANNOTATION_REF_NAME = "org.opencontainers.image.ref.name";

/** The name under which an object is written and shown: `layer-sha256:…`. */
export function refOf({ mediaType, digest, annotations }: Descriptor): string {
  const name = annotations[ANNOTATION_REF_NAME];
  const key = name === undefined || name === "" ? digest : `${name}@${digest}`;
  if (isManifest(mediaType) || isSchema1(mediaType)) return `manifest-${key}`;
  if (isIndex(mediaType)) return `index-${key}`;
  if (isLayer(mediaType)) return `layer-${key}`;
  if (isConfig(mediaType)) return `config-${key}`;
  return `unknown-${key}`;
}
