// A checkpoint that succeeds, with a program in place of criu, which only some hosts have: it dumps two files.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Tasks } from "../../api/core/task.js";
import type { Any } from "../../api/core/typeurl.js";
import { CheckpointOptions } from "../../api/gen/types/runc/options/oci.js";
import { CheckpointRequest } from "../../api/gen/v2017/api/services/execution/execution.js";
import type { Metadata } from "../../metadata/index.js";
import { openContentBackend } from "../../runtime/content/backend.js";
import { createDiffer, type LocalDiffer } from "../../runtime/diff/differ.js";
import { temporaryMetadata } from "../../test/helpers/metadata.js";
import { tempDir } from "../../test/helpers/temp.js";
import { type CheckpointDeps, checkpoint } from "./checkpoint.js";

const scope = new DisposeScope();
const ctx = { namespace: "ns" };
const SPEC = { typeUrl: "1.0.0-rc5", value: Buffer.from('{"ociVersion":"1.0.0-rc5"}') };
let metadata: Metadata;
let differ: LocalDiffer;
let dumps: string;

beforeAll(async () => {
  const root = await tempDir(scope);
  const content = await openContentBackend({ rootDir: join(root, "content") });
  metadata = await temporaryMetadata(scope, { root, content });
  differ = scope.use(
    await createDiffer({
      content: metadata.content,
      blobPath: (digest) => content.path(digest),
      tempDir: join(root, "tmpmounts"),
    }),
  );
  dumps = join(root, "dumps");
  mkdirSync(dumps);
  await metadata.containers.create(ctx, { id: "c", runtime: { name: "r" }, spec: SPEC });
});
afterAll(() => scope[Symbol.asyncDispose]());

const deps = (dump: Tasks["checkpoint"]): CheckpointDeps => ({
  containers: metadata.containers,
  tasks: { checkpoint: dump },
  content: metadata.content,
  differ,
  clock: () => 1_000_000_000n,
  tempDir: dumps,
});
const request = (more: Partial<CheckpointRequest> = {}) => CheckpointRequest.fromPartial({ containerId: "c", ...more });
const optionsOf = (any: Any | undefined) => CheckpointOptions.decode(any?.value ?? Buffer.alloc(0));

async function bytesOf(digest: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of metadata.content.read(ctx, digest)) pieces.push(piece);
  return Buffer.concat(pieces);
}

test("is an archive of what was dumped and the spec, and both stay", async () => {
  let asked: CheckpointOptions | undefined;
  const dump: Tasks["checkpoint"] = async (_ctx, _id, any) => {
    asked = optionsOf(any);
    writeFileSync(join(asked.imagePath, "core-1.img"), "memory");
    writeFileSync(join(asked.imagePath, "inventory.img"), "list");
    return [];
  };
  const flags = { exit: true, allowTcp: true, allowUnixSockets: true, allowTerminal: true, fileLocks: true };
  const [archive, spec] = await checkpoint(deps(dump), ctx, request({ ...flags, emptyNamespaces: ["network"] }));
  expect(asked).toMatchObject({
    exit: true,
    openTcp: true,
    externalUnixSockets: true,
    terminal: true,
    fileLocks: true,
    emptyNamespaces: ["network"],
  });
  expect(archive?.mediaType).toBe("application/vnd.containerd.container.criu.checkpoint.criu.tar");
  expect(spec?.mediaType).toBe("application/vnd.containerd.container.checkpoint.config.v1+json");
  const tar = await bytesOf(archive?.digest ?? "");
  expect(BigInt(tar.length)).toBe(archive?.size);
  expect(execFileSync("tar", ["-xO", "core-1.img"], { input: tar }).toString()).toBe("memory");
  expect(execFileSync("tar", ["-t"], { input: tar }).toString()).toContain("inventory.img");
  expect(await bytesOf(spec?.digest ?? "")).toEqual(SPEC.value);
  expect(spec?.size).toBe(BigInt(SPEC.value.length));
  await metadata.collector.collect();
  for (const each of [archive, spec]) {
    const { labels } = await metadata.content.info(ctx, each?.digest ?? "");
    expect(labels).toHaveProperty(["containerd.io/gc.root"]);
  }
  expect(readdirSync(dumps)).toEqual([]);
});

test("that fails leaves no dump", async () => {
  const dump: Tasks["checkpoint"] = async (_ctx, _id, any) => {
    writeFileSync(join(optionsOf(any).imagePath, "half.img"), "x");
    throw new Error("criu failed");
  };
  await expect(checkpoint(deps(dump), ctx, request())).rejects.toThrow("criu failed");
  expect(readdirSync(dumps)).toEqual([]);
});
