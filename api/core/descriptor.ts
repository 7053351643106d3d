// Descriptors: what a blob is, which one, and how long; and the media types of images.
// Byte counts are numbers throughout this project (exact up to 9 PB); the wire's 64-bit integers are checked where they enter.
// @source opencontainers/image-spec descriptor.md; containerd core/images/mediatypes.go

/** Names some content. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly annotations: Readonly<Record<string, string>>;
}
