// Small images made from nothing: layers, manifests and indexes as bytes in memory, reproducible, without a network.
import { createCipheriv, createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { compress } from "zstd-napi";
import {
  DOCKER_CONFIG,
  DOCKER_INDEX,
  DOCKER_LAYER_GZIP,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_LAYER_GZIP,
  OCI_LAYER_ZSTD,
  OCI_MANIFEST,
} from "../../api/client/distribution/media-types.js";
import type { Platform } from "../../api/client/distribution/platform.js";
import type { Descriptor } from "../../api/core/descriptor.js";
import { type RawEntry, tarOf } from "./tar.js";

export interface TestBlob extends Descriptor {
  readonly bytes: Buffer;
}

export interface TestLayer extends TestBlob {
  /** Digest of the tar. */
  readonly diffId: string;
}

/** A manifest or an index with all that is below it, what is referred to before what refers. */
export interface TestImage {
  readonly target: TestBlob;
  readonly blobs: readonly TestBlob[];
  /** Of a manifest. */
  readonly platform?: Platform;
}

export const LINUX_AMD64: Platform = { os: "linux", architecture: "amd64", variant: "" };
export const LINUX_ARM64: Platform = { os: "linux", architecture: "arm64", variant: "" };

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export function testBlob(mediaType: string, bytes: Buffer): TestBlob {
  return { mediaType, digest: sha256(bytes), sizeBytes: bytes.length, annotations: {}, bytes };
}

export type Compression = "gzip" | "zstd" | "plain" | "docker";

const LARGE_BYTES = 1_000_000;

interface Packing {
  readonly mediaType: string;
  /** `level`: of gzip, 0 to 9. */
  pack(tar: Buffer, level?: number): Buffer;
}

const COMPRESSIONS: Readonly<Record<Compression, Packing>> = {
  gzip: { mediaType: OCI_LAYER_GZIP, pack: (tar, level) => gzipSync(tar, { level }) },
  zstd: { mediaType: OCI_LAYER_ZSTD, pack: (tar) => compress(tar) },
  plain: { mediaType: OCI_LAYER, pack: (tar) => tar },
  docker: { mediaType: DOCKER_LAYER_GZIP, pack: (tar, level) => gzipSync(tar, { level }) },
};

export function testLayer(
  entries: readonly RawEntry[],
  compression: Compression = "gzip",
  gzipLevel?: number,
): TestLayer {
  const tar = tarOf(...entries);
  const { mediaType, pack } = COMPRESSIONS[compression];
  return { ...testBlob(mediaType, pack(tar, gzipLevel)), diffId: sha256(tar) };
}

/** One file of bytes that do not compress, the same for the same seed. A large one is stored: gzip would look in vain for long. */
export function noiseLayer(name: string, sizeBytes: number, compression: Compression = "gzip"): TestLayer {
  const key = createHash("sha256").update(name).digest();
  const body = createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
  return testLayer([{ name, body }], compression, sizeBytes < LARGE_BYTES ? undefined : 0);
}

/** A root file system that runs: busybox with the shell and what a test calls. */
export async function busyboxLayer(compression: Compression = "gzip"): Promise<TestLayer> {
  const busybox = await readFile("/usr/bin/busybox").catch(() => readFile("/bin/busybox"));
  const applets = ["sh", "echo", "cat", "ls", "sleep", "true", "false", "stat", "id", "env", "pwd"];
  const folders = ["bin/", "dev/", "etc/", "proc/", "root/", "run/", "sys/", "tmp/"];
  return testLayer(
    [
      ...folders.map((name) => ({ name, type: "5" })),
      { name: "bin/busybox", mode: 0o755, body: busybox },
      ...applets.map((name) => ({ name: `bin/${name}`, type: "2", linkName: "busybox", mode: 0o777 })),
    ],
    compression,
  );
}

const json = (document: unknown): Buffer => Buffer.from(JSON.stringify(document));
const described = ({ mediaType, digest, sizeBytes: size }: Descriptor) => ({ mediaType, digest, size });

export interface TestImageOptions {
  /** Default: linux/amd64. */
  readonly platform?: Platform;
  /** Default: OCI. */
  readonly dialect?: "oci" | "docker";
  /** The `config` part of the image's config. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Told to the layers' descriptors, which nobody checks but registries. */
  readonly diffIds?: readonly string[];
}

export function testImage(layers: readonly TestLayer[], options: TestImageOptions = {}): TestImage {
  const { platform = LINUX_AMD64, dialect = "oci", config = { Cmd: ["/bin/sh"] } } = options;
  const isOci = dialect === "oci";
  const configBlob = testBlob(
    isOci ? OCI_CONFIG : DOCKER_CONFIG,
    json({
      created: "2026-01-01T00:00:00Z",
      architecture: platform.architecture,
      os: platform.os,
      ...(platform.variant !== "" && { variant: platform.variant }),
      config,
      rootfs: { type: "layers", diff_ids: options.diffIds ?? layers.map(({ diffId }) => diffId) },
    }),
  );
  const mediaType = isOci ? OCI_MANIFEST : DOCKER_MANIFEST;
  const target = testBlob(
    mediaType,
    json({ schemaVersion: 2, mediaType, config: described(configBlob), layers: layers.map(described) }),
  );
  return { target, blobs: [...layers, configBlob, target], platform };
}

export function testIndex(images: readonly TestImage[], dialect: "oci" | "docker" = "oci"): TestImage {
  const mediaType = dialect === "oci" ? OCI_INDEX : DOCKER_INDEX;
  const manifests = images.map(({ target, platform }) => ({
    ...described(target),
    ...(platform && {
      platform: {
        os: platform.os,
        architecture: platform.architecture,
        ...(platform.variant !== "" && { variant: platform.variant }),
      },
    }),
  }));
  const target = testBlob(mediaType, json({ schemaVersion: 2, mediaType, manifests }));
  return { target, blobs: [...images.flatMap(({ blobs }) => blobs), target] };
}
