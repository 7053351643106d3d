// Archives of images as other tools write them and as nobody should: imported into berthd, exported again, loaded elsewhere.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compress } from "zstd-napi";
import { type Client, connect } from "../../api/client/connect.js";
import { exportImages } from "../../api/client/distribution/archive/export.js";
import { type ImportOptions, importImages } from "../../api/client/distribution/archive/import.js";
import { resolveManifest } from "../../api/client/distribution/manifest.js";
import { ALL_PLATFORMS, exactPlatforms, parsePlatform } from "../../api/client/distribution/platform.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Image } from "../../api/core/image.js";
import { createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import {
  busyboxLayer,
  LINUX_ARM64,
  noiseLayer,
  sha256,
  type TestImage,
  testImage,
  testIndex,
  testLayer,
} from "../helpers/image.js";
import { dockerArchive, ociArchive, ociLayout } from "../helpers/image-archive.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { type RawEntry, tarEntry, tarOf } from "../helpers/tar.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const lacking =
  requires.root() || requires.binary("containerd") || requires.binary("skopeo") || requires.binary("umoci");

describe.skipIf(lacking)("archives of images", () => {
  const scope = new DisposeScope();
  let engine: Engine;
  let client: Client;
  let dir: string;
  let image: TestImage;
  let namespaces = 0;

  beforeAll(async () => {
    engine = await startBerthd(scope);
    client = scope.use(connect({ address: engine.address }));
    dir = await tempDir(scope);
    image = testImage([await busyboxLayer(), noiseLayer("noise", 200_000)]);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  /** Imports into a namespace of its own. */
  async function imported(archive: Uint8Array, options: ImportOptions = {}) {
    namespaces += 1;
    const ctx = { namespace: `${freshNamespace(scope)}-${namespaces}` };
    const source = Readable.from([archive]);
    const images = await importImages(client, ctx, source, { snapshotter: "native", ...options }).catch(
      (error: unknown) => error,
    );
    return { ctx, images: Array.isArray(images) ? images : [], error: Array.isArray(images) ? undefined : images };
  }

  async function exported(ctx: { namespace: string }, images: readonly Image[], options = {}): Promise<Buffer> {
    const destination = new PassThrough();
    const [bytes] = await Promise.all([buffer(destination), exportImages(client, ctx, images, destination, options)]);
    return bytes;
  }

  /** Leases and unfinished writes, of which there should be none. */
  async function left(ctx: { namespace: string }): Promise<unknown> {
    return [await client.leases.list(ctx), await client.content.listStatuses(ctx)];
  }

  async function diffIdsOf(ctx: { namespace: string }, { target }: Image): Promise<readonly string[]> {
    return (await resolveManifest(client.content, ctx, target, ALL_PLATFORMS)).config.rootfs.diff_ids;
  }

  const run = async (file: string, ...args: string[]): Promise<void> => {
    const { code, stderr } = await runProgram(file, args, { timeoutMs: 60_000 });
    if (code !== 0) throw new Error(`${file} ${args.join(" ")}: ${stderr}`);
  };

  /** An OCI layout on disk with the image under the tag `one`. */
  async function layoutFolder(name: string): Promise<string> {
    const folder = join(dir, name);
    await mkdir(folder);
    await writeFile(`${folder}.tar`, ociArchive(image, "one"));
    await run("tar", "-xf", `${folder}.tar`, "-C", folder);
    return folder;
  }

  test.each([
    ["as it is", (archive: Buffer) => archive],
    ["in gzip", (archive: Buffer) => gzipSync(archive)],
    [
      "in two members of gzip",
      (archive: Buffer) => Buffer.concat([gzipSync(archive.subarray(0, 9000)), gzipSync(archive.subarray(9000))]),
    ],
    ["in zstd", (archive: Buffer) => compress(archive)],
  ])("an OCI layout %s", async (_, pack) => {
    const { ctx, images, error } = await imported(pack(ociArchive(image, "example.com/a:1")));
    expect(error).toBeUndefined();
    expect(images.map(({ name, target }) => [name, target.digest])).toEqual([["example.com/a:1", image.target.digest]]);
    expect(await left(ctx)).toEqual([[], []]);
  });

  test("a layout of skopeo's", async () => {
    const folder = await layoutFolder("skopeo-in");
    await run("skopeo", "--insecure-policy", "copy", "-q", `oci:${folder}:one`, `oci-archive:${dir}/skopeo.tar:two`);
    const { images } = await imported(await readFile(`${dir}/skopeo.tar`), { baseName: "example.com/skopeo" });
    expect(images.map(({ name, target }) => [name, target.digest])).toEqual([
      ["example.com/skopeo:two", image.target.digest],
    ]);
  });

  test("a layout that umoci has changed, packed by tar", async () => {
    const folder = await layoutFolder("umoci");
    await run("umoci", "config", "--image", `${folder}:one`, "--tag", "changed", "--config.user", "web");
    await run("tar", "-cf", `${folder}-out.tar`, "-C", folder, ".");
    const { ctx, images } = await imported(await readFile(`${folder}-out.tar`), { date: "2026-01-02" });
    expect(images.map(({ name }) => name)).toEqual(["import-2026-01-02:one", "import-2026-01-02:changed"]);
    const [one, changed] = images;
    if (one === undefined || changed === undefined) throw new Error("two images were to be imported");
    expect(await diffIdsOf(ctx, changed)).toEqual(await diffIdsOf(ctx, one));
  });

  test("Docker's archives, of skopeo and by hand, with layers that are links", async () => {
    const folder = await layoutFolder("docker-in");
    const tag = "example.com/saved:2";
    await run(
      "skopeo",
      "--insecure-policy",
      "copy",
      "-q",
      `oci:${folder}:one`,
      `docker-archive:${dir}/docker.tar:${tag}`,
    );
    const saved = await imported(await readFile(`${dir}/docker.tar`));
    expect(saved.error).toBeUndefined();
    expect(saved.images.map(({ name }) => name)).toEqual([tag]);

    const [a, b] = [tarOf({ name: "a", body: "1" }), tarOf({ name: "b", body: "2" })];
    const config = Buffer.from(
      JSON.stringify({
        os: "linux",
        architecture: "amd64",
        rootfs: { type: "layers", diff_ids: [a, b, a].map(sha256) },
      }),
    );
    for (const compressBlobs of [false, true]) {
      const { ctx, images, error } = await imported(dockerArchive(config, [a, b, a], ["short", "example.com/full:3"]), {
        compressBlobs,
      });
      expect(error).toBeUndefined();
      expect(images.map(({ name }) => name)).toEqual(["docker.io/library/short:latest", "example.com/full:3"]);
      const [first] = images;
      if (first === undefined) throw new Error("an image was to be imported");
      const { manifest } = await resolveManifest(client.content, ctx, first.target, ALL_PLATFORMS);
      expect(manifest.layers.map(({ mediaType }) => mediaType.endsWith(".gzip"))).toEqual(Array(3).fill(compressBlobs));
      expect(await left(ctx)).toEqual([[], []]);
    }
  });

  test("what we export is read by skopeo in both forms, by containerd, and by us, digests unchanged", async () => {
    const { ctx, images } = await imported(ociArchive(image, "example.com/out:1"));
    const archive = await exported(ctx, images);
    expect(
      createHash("sha256")
        .update(await exported(ctx, images))
        .digest("hex"),
    ).toBe(createHash("sha256").update(archive).digest("hex"));
    await writeFile(`${dir}/ours.tar`, archive);
    const inspect = async (source: string): Promise<{ Digest?: string; Layers?: string[] }> =>
      JSON.parse((await runProgram("skopeo", ["inspect", source], { timeoutMs: 60_000 })).stdout);
    expect((await inspect(`oci-archive:${dir}/ours.tar`)).Digest).toBe(image.target.digest);
    expect((await inspect(`docker-archive:${dir}/ours.tar`)).Layers).toHaveLength(2);

    const containerd = await startContainerd(scope);
    const ctr = createCli("ctr", containerd, freshNamespace(scope));
    expect(await ctr.run(["i", "import", `${dir}/ours.tar`])).toMatchObject({ code: 0 });
    expect((await ctr.run(["i", "ls"])).stdout).toContain(image.target.digest);
    expect(await ctr.run(["i", "export", `${dir}/theirs.tar`, "example.com/out:1"])).toMatchObject({ code: 0 });
    expect((await readFile(`${dir}/theirs.tar`)).equals(archive)).toBe(true);

    const back = await imported(archive);
    expect(back.images.map(({ name, target }) => [name, target.digest])).toEqual([
      ["example.com/out:1", image.target.digest],
    ]);
  });

  test("platforms: the one that is asked for, all, and none that suits", async () => {
    const arm = testImage([testLayer([{ name: "arm", body: "1" }])], { platform: LINUX_ARM64 });
    const both = testIndex([image, arm]);
    const platform = exactPlatforms([parsePlatform("linux/arm64")]);
    const one = await imported(ociArchive(both, "example.com/both:1"), { platform });
    expect(one.error).toBeUndefined();
    const partial = await exported(one.ctx, one.images, { platform });
    expect(partial.includes(arm.target.digest.slice(7))).toBe(true);
    expect(partial.includes(`blobs/sha256/${image.target.digest.slice(7)}`)).toBe(false);
    const riscv = exactPlatforms([parsePlatform("linux/riscv64")]);
    const none = await imported(ociArchive(both, "example.com/both:1"), { platform: riscv });
    expect(none.error).toMatchObject({
      kind: "not_found",
      message: "archive: no image for the platform in it: not found",
    });
    expect(await client.images.list(none.ctx)).toEqual([]);
    expect(await left(none.ctx)).toEqual([[], []]);
  });

  const layout = (): RawEntry[] => ociLayout(image, "example.com/bad:1");
  const index = (entries: RawEntry[]): RawEntry => entries.find(({ name }) => name === "index.json") ?? { name: "" };

  test.each<[string, () => Buffer, string, RegExp]>([
    ["nothing", () => Buffer.alloc(0), "invalid_argument", /unrecognized image format/],
    ["no archive", () => Buffer.alloc(4096, "no archive"), "invalid_argument", /^archive: /],
    ["an archive of something else", () => tarOf({ name: "a", body: "b" }), "invalid_argument", /unrecognized image/],
    [
      "a path that leads outside",
      () => tarOf({ name: "../../etc/passwd", body: "x" }),
      "invalid_argument",
      /leads outside/,
    ],
    [
      "a link that leads outside",
      () => tarOf({ name: "a", type: "2", linkName: "../../b" }),
      "invalid_argument",
      /leads outside/,
    ],
    [
      "no index",
      () => tarOf(...layout().filter(({ name }) => name !== "index.json")),
      "invalid_argument",
      /missing index.json/,
    ],
    [
      "another version",
      () => tarOf({ name: "oci-layout", body: '{"imageLayoutVersion":"2.0.0"}' }),
      "invalid_argument",
      /OCI layout 2/,
    ],
    [
      "an index that is no JSON",
      () => tarOf({ name: "oci-layout", body: '{"imageLayoutVersion":"1.0.0"}' }, { name: "index.json", body: "{" }),
      "invalid_argument",
      /no JSON/,
    ],
    [
      "a manifest.json of wrong types",
      () => tarOf({ name: "manifest.json", body: '[{"Config":5}]' }),
      "invalid_argument",
      /manifest.json is malformed/,
    ],
    [
      "a manifest.json that claims to be huge",
      () => tarEntry({ name: "manifest.json", body: "[", size: 30 << 20 }),
      "invalid_argument",
      /larger than/,
    ],
    [
      "a blob that is not what its name says",
      () => tarOf(...layout().map((entry) => (entry.name.length > 64 ? { ...entry, body: "other" } : entry))),
      "failed_precondition",
      /digest/,
    ],
    [
      "a layer that is missing",
      () => tarOf(...layout().filter(({ name }) => !name.endsWith((image.blobs[1]?.digest ?? "").slice(7)))),
      "not_found",
      /content digest/,
    ],
    ["a cut in a file", () => ociArchive(image, "x").subarray(0, 300_000), "invalid_argument", /^archive: /],
    ["a cut in gzip", () => gzipSync(ociArchive(image, "x")).subarray(0, 200_000), "invalid_argument", /^archive: /],
    [
      "damage in zstd",
      () => Buffer.concat([compress(ociArchive(image, "x")).subarray(0, 5000), Buffer.alloc(5000, 7)]),
      "invalid_argument",
      /^archive: /,
    ],
    [
      "links that go in circles",
      () =>
        tarOf(
          { name: "a", type: "2", linkName: "b" },
          { name: "b", type: "2", linkName: "a" },
          { name: "manifest.json", body: '[{"Config":"a","RepoTags":["x"],"Layers":[]}]' },
        ),
      "not_found",
      /file "a"/,
    ],
    [
      "a config that is missing",
      () => tarOf({ name: "manifest.json", body: '[{"Config":"c","RepoTags":["x"],"Layers":[]}]' }),
      "not_found",
      /file "c"/,
    ],
    [
      "a tag that is none",
      () => dockerArchive(Buffer.from('{"os":"linux","architecture":"amd64"}'), [], ["Not A Tag"]),
      "invalid_argument",
      /reference/,
    ],
    [
      "an index of an index of itself",
      () =>
        tarOf(layout()[0] ?? { name: "" }, {
          ...index(layout()),
          body: '{"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:'.concat(
            "0".repeat(64),
            '","size":5}]}',
          ),
        }),
      "not_found",
      /content digest/,
    ],
  ])("refused and nothing left: %s", async (_, archive, kind, message) => {
    const { ctx, error } = await imported(archive());
    expect(error).toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(await client.images.list(ctx)).toEqual([]);
    expect(await left(ctx)).toEqual([[], []]);
  });

  test("an export whose content is missing or whose reader goes", async () => {
    const { ctx, images } = await imported(ociArchive(image, "example.com/out:1"));
    const closed = new PassThrough();
    closed.once("data", () => closed.destroy());
    await expect(exportImages(client, ctx, images, closed)).rejects.toThrow(/[Pp]remature|closed/);
    await client.content.delete(ctx, image.blobs[1]?.digest ?? "");
    await expect(exported(ctx, images)).rejects.toMatchObject({ kind: "not_found" });
  });
});
