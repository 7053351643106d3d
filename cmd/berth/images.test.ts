// The flags of the commands about images: aliases and spellings of ctr's, what is refused, and what they stand for.
import { expect, test } from "vitest";
import { parseTarget } from "./container-flags.js";
import { runnablePlatforms, strictPlatforms } from "./platform-flags.js";
import { createProgram } from "./program.js";
import { openRegistry } from "./registry-flags.js";
import { renderSize } from "./render/size.js";
import { snapshotterOf } from "./snapshotter-flag.js";

/** The flags and arguments that a command line comes to. */
async function parsed(...argv: string[]): Promise<{ args: string[]; flags: Record<string, unknown> }> {
  let result: { args: string[]; flags: Record<string, unknown> } | undefined;
  const program = createProgram("1", {
    chosen: () => {},
    run: async (_command, _flags, commander) => {
      result = { args: commander.args, flags: commander.opts() };
    },
  });
  const quiet = (command: typeof program): void => {
    command.exitOverride().configureOutput({ outputError: () => {} });
    command.commands.forEach(quiet);
  };
  quiet(program);
  await program.parseAsync(argv, { from: "user" });
  if (result === undefined) throw new Error("nothing was run");
  return result;
}

test.each([
  [["i", "pull", "-k", "--plain-http", "-u", "a:b", "x/y:1"], { skipVerify: true, plainHttp: true, user: "a:b" }],
  [
    ["image", "pull", "--platform", "linux/arm64", "--platform=linux/amd64", "x/y:1"],
    { platform: ["linux/arm64", "linux/amd64"] },
  ],
  [
    ["images", "pull", "--all-platforms", "--all-metadata", "--print-chainid", "x"],
    { allPlatforms: true, allMetadata: true, printChainid: true },
  ],
  [["i", "pull", "--max-concurrent-downloads=3", "--label", "a=b", "x"], { maxConcurrentDownloads: 3, label: ["a=b"] }],
  [["i", "pull", "--local", "--no-unpack", "x"], { local: true, unpack: false }],
  [["i", "push", "--max-concurrent-uploaded-layers", "2", "x"], { maxConcurrentUploadedLayers: 2 }],
  [["i", "push", "--manifest", "sha256:a", "--manifest-type", "t", "x"], { manifest: "sha256:a", manifestType: "t" }],
  [["i", "list", "-q"], { quiet: true }],
  [["i", "del", "--sync", "x"], { sync: true }],
  [["i", "remove", "x"], {}],
  [["i", "label", "-r", "x", "a=b"], { replaceAll: true }],
  [["i", "tag", "--force", "a", "b"], { force: true }],
  [
    ["i", "import", "--base-name", "a", "--digests", "--skip-digest-for-named", "--index-name", "b", "in.tar"],
    { baseName: "a", digests: true, skipDigestForNamed: true, indexName: "b", unpack: true },
  ],
  [["i", "import", "--no-unpack", "--compress-blobs", "-"], { unpack: false, compressBlobs: true }],
  [
    ["i", "export", "--skip-manifest-json", "--skip-non-distributable", "out", "x"],
    { skipManifestJson: true, skipNonDistributable: true },
  ],
  [["i", "mount", "--rw", "--snapshotter", "native", "x", "/mnt"], { rw: true, snapshotter: "native" }],
  [["i", "unmount", "--rm", "/mnt"], { rm: true }],
  [["i", "convert", "--oci", "--uncompress", "a", "b"], { oci: true, uncompress: true }],
  [["run", "--pull", "missing", "--platform", "linux/arm64", "x", "id"], { pull: "missing", platform: "linux/arm64" }],
  [["run", "-p", "80", "-p", "81:82", "--network", "n", "x", "id"], { publish: ["80", "81:82"], network: "n" }],
  [
    ["run", "--snapshotter", "native", "--snapshotter-label", "a=b", "x", "id"],
    { snapshotter: "native", snapshotterLabel: ["a=b"] },
  ],
])("%j", async (argv, flags) => {
  expect((await parsed(...argv)).flags).toMatchObject(flags);
});

test.each([
  [["i", "pull", "--max-concurrent-downloads", "-1", "x"], /less than 0/],
  [["i", "convert", "--estargz", "a", "b"], /unknown option '--estargz'/],
  [["run", "--pull", "sometimes", "x", "id"], /missing, always, never/],
  [["i", "frobnicate"], /unknown command/],
])("%j is refused", async (argv, message) => {
  await expect(parsed(...argv)).rejects.toThrow(message);
});

test("what run's arguments name", () => {
  const flags = { runtime: "r", pull: "never" as const, cpuShares: 0, cpuQuota: -1, cpuPeriod: 0, pivot: true };
  expect(parseTarget(flags, ["x/y:1", "id", "--", "sh", "-c"])).toEqual({
    kind: "image",
    source: "x/y:1",
    id: "id",
    args: ["sh", "-c"],
  });
  expect(parseTarget({ ...flags, rootfs: true }, ["/r", "id"])).toMatchObject({ kind: "rootfs", source: "/r" });
  expect(parseTarget({ ...flags, config: "c.json" }, ["id"])).toMatchObject({ kind: "config", id: "id" });
  expect(() => parseTarget(flags, [])).toThrow("image ref must be provided");
  expect(() => parseTarget(flags, ["x"])).toThrow("container id must be provided");
});

test("platforms by default are the machine's, and those that are asked for alone when it must be these", () => {
  const arm = { os: "linux", architecture: "arm", variant: "v7" };
  expect(runnablePlatforms({ platform: ["linux/arm64"] }).rank(arm)).toBeDefined();
  expect(strictPlatforms({ platform: ["linux/arm64"] }).rank(arm)).toBeUndefined();
  expect(strictPlatforms({ allPlatforms: true }).rank(arm)).toBe(0);
});

test("the snapshotter that is not named", () => {
  const before = process.env["CONTAINERD_SNAPSHOTTER"];
  delete process.env["CONTAINERD_SNAPSHOTTER"];
  expect(snapshotterOf({})).toBe(process.getuid?.() === 0 ? "overlayfs" : "native");
  process.env["CONTAINERD_SNAPSHOTTER"] = "native";
  expect([snapshotterOf({}), snapshotterOf({ snapshotter: "" }), snapshotterOf({ snapshotter: "x" })]).toEqual([
    "native",
    "native",
    "x",
  ]);
  if (before === undefined) delete process.env["CONTAINERD_SNAPSHOTTER"];
  else process.env["CONTAINERD_SNAPSHOTTER"] = before;
});

test("certificates and keys that cannot be used", async () => {
  await expect(openRegistry({ tlscert: "a" })).rejects.toThrow("--tlscert and --tlskey go together");
  await expect(openRegistry({ tlscacert: "/no/such" })).rejects.toThrow('"/no/such" cannot be read: ENOENT');
});

test.each([
  [0, "0.0 B"],
  [491, "491.0 B"],
  [1024, "1.0 KiB"],
  [1_052_362, "1.0 MiB"],
  [5 * 2 ** 40, "5.0 TiB"],
  [2 ** 52, "4096.0 TiB"],
])("size %i", (bytes, text) => {
  expect(renderSize(bytes)).toBe(text);
});
