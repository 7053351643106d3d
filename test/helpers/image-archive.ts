// Archives of images made by hand: OCI layouts, and what `docker save` writes, honest or not.
import { sha256, type TestImage } from "./image.js";
import { type RawEntry, tarOf } from "./tar.js";

/** The entries of an OCI layout; `ref` is the name in index.json. */
export function ociLayout(
  image: TestImage,
  ref: string,
  annotations: Readonly<Record<string, string>> = {},
): RawEntry[] {
  const blobs = new Map(image.blobs.map((blob) => [blob.digest, blob.bytes]));
  const { mediaType, digest, sizeBytes: size } = image.target;
  const named = { ...annotations, ...(ref !== "" && { "org.opencontainers.image.ref.name": ref }) };
  const index = { schemaVersion: 2, manifests: [{ mediaType, digest, size, annotations: named }] };
  return [
    { name: "oci-layout", body: '{"imageLayoutVersion":"1.0.0"}' },
    { name: "blobs/", type: "5" },
    { name: "blobs/sha256/", type: "5" },
    ...[...blobs].map(([blob, body]) => ({ name: `blobs/sha256/${blob.slice("sha256:".length)}`, body })),
    { name: "index.json", body: JSON.stringify(index) },
  ];
}

export const ociArchive = (image: TestImage, ref: string): Buffer => tarOf(...ociLayout(image, ref));

/** What engines of the old format save: layers as folders, one that is there twice as a link. */
export function dockerArchive(
  config: Buffer,
  layers: readonly Buffer[],
  tags: readonly string[] | null = ["example.com/saved:1"],
): Buffer {
  const configName = `${sha256(config).slice(7)}.json`;
  const seen = new Map<string, string>();
  const entries: RawEntry[] = [{ name: configName, body: config }];
  const paths = layers.map((layer, at) => {
    const id = String(at).padStart(64, "0");
    const path = `${id}/layer.tar`;
    const twin = seen.get(sha256(layer));
    entries.push({ name: `${id}/`, type: "5" }, { name: `${id}/VERSION`, body: "1.0" });
    entries.push(twin === undefined ? { name: path, body: layer } : { name: path, type: "2", linkName: `../${twin}` });
    seen.set(sha256(layer), path);
    return path;
  });
  entries.push({
    name: "manifest.json",
    body: JSON.stringify([{ Config: configName, RepoTags: tags, Layers: paths }]),
  });
  return tarOf(...entries);
}
