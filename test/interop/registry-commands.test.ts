// The commands of `content` and `snapshots` that move or change whole objects, ctr's and ours side by side on berthd, each in a namespace
// of its own: what is left in the stores, and what comes out, must be the same.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, type CliName, createCli } from "../helpers/cli.js";
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
} from "../helpers/image.js";
import { seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const lacking = requires.root() || requires.binary("docker-registry") || requires.binary("ctr");

describe.skipIf(lacking)("commands that move objects", () => {
  const scope = new DisposeScope();
  let engine: Engine;
  let registry: TestRegistry;
  let ref: string;
  let own: TestImage;
  /** Digest of the index. */
  let root: string;

  beforeAll(async () => {
    [engine, registry] = await Promise.all([startBerthd(scope), startRegistry(scope)]);
    const base = await busyboxLayer();
    own = testImage([base, noiseLayer("upper", 5_000)]);
    const other = testImage([base, noiseLayer("foreign", 4_000)], { platform: LINUX_ARM64 });
    const index = testIndex([own, other]);
    root = index.target.digest;
    await seedRegistry(registry, "test/multi", "1", index);
    ref = `${registry.host}/test/multi:1`;
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  /** Runs the same with both clients, each in a fresh namespace. @returns what each answered, ctr first. */
  async function both<T>(work: (cli: Cli, namespace: string) => Promise<T>): Promise<readonly [T, T]> {
    const run = (name: CliName): Promise<T> => {
      const namespace = freshNamespace(scope);
      return work(createCli(name, engine, namespace), namespace);
    };
    return [await run("ctr"), await run("berth")];
  }

  const must = async (cli: Cli, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cli.run(args);
    if (code !== 0) throw new Error(`${cli.name} ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  };

  /** Digests and labels, by one client for both; ages differ, and labels come in the order of a Go map. */
  async function content(namespace: string): Promise<string[]> {
    const rows = (await must(createCli("ctr", engine, namespace), "content", "ls")).trim().split("\n").slice(1);
    return rows
      .map((row) => row.split("\t"))
      .map((cells) => `${cells[0]} ${cells.at(-1)?.split(",").sort()}`)
      .sort();
  }

  test.each([[[]], [["--all-platforms"]], [["--metadata-only"]], [["--platform", "linux/arm64"]]])(
    "content fetch %j leaves the same content",
    async (flags: readonly string[]) => {
      const [expected, found] = await both(async (cli, namespace) => {
        await must(cli, "content", "fetch", "--plain-http", ...flags, ref);
        return await content(namespace);
      });
      expect(expected.length).toBeGreaterThan(2);
      expect(found).toEqual(expected);
    },
    60_000,
  );

  test("content fetch-object brings a manifest as it is", async () => {
    const [expected, found] = await both((cli) => must(cli, "content", "fetch-object", "--plain-http", ref));
    expect(found).toBe(expected);
    expect(JSON.parse(found).manifests).toHaveLength(2);
  });

  test("content push-object puts a blob into a repository", async () => {
    const [layer] = own.blobs.filter(({ mediaType }) => mediaType.includes("layer"));
    const statuses = await both(async (cli) => {
      const repository = `test/pushed-${cli.name}`;
      await must(cli, "content", "fetch", "--plain-http", ref);
      const target = `${registry.host}/${repository}:x`;
      await must(cli, "content", "push-object", "--plain-http", target, layer?.digest ?? "", layer?.mediaType ?? "");
      return (await fetch(`${registry.url}/v2/${repository}/blobs/${layer?.digest}`, { method: "HEAD" })).status;
    });
    expect(statuses).toEqual([200, 200]);
  });

  test("content edit makes another blob of what the editor leaves", async () => {
    // ctr reads what it holds open, so the editor must write into the very file.
    const editor = join(await tempDir(scope), "editor");
    const script = '#!/bin/sh\ntext=$(sed s/schemaVersion/edited/ "$1")\nprintf %s "$text" > "$1"\n';
    await writeFile(editor, script, { mode: 0o755 });
    const [expected, found] = await both(async (cli) => {
      await must(cli, "content", "fetch", "--plain-http", ref);
      const edited = await must(cli, "content", "edit", "--editor", editor, own.target.digest);
      return edited.trim();
    });
    const [manifest] = own.blobs.filter(({ digest }) => digest === own.target.digest);
    const text = (manifest?.bytes ?? Buffer.alloc(0)).toString().replace("schemaVersion", "edited");
    expect(found).toBe(expected);
    expect(found).toBe(sha256(Buffer.from(text)));
  });

  test("content prune references lets layers of unpacked images go, and the image runs on", async () => {
    const [expected, found] = await both(async (cli, namespace) => {
      await must(cli, "images", "pull", "--plain-http", "--platform", "linux/amd64", ref);
      const before = await content(namespace);
      await must(cli, "content", "prune", "references");
      const after = await content(namespace);
      expect(before.length - after.length).toBe(2);
      expect(await must(cli, "run", "--rm", ref, `pruned-${cli.name}`, "/bin/echo", "runs")).toBe("runs\n");
      return after;
    });
    expect(found).toEqual(expected);
  });

  test("snapshots unpack and diff", async () => {
    const [expected, found] = await both(async (cli) => {
      await must(cli, "content", "fetch", "--plain-http", ref);
      await must(cli, "snapshots", "unpack", root);
      const listed = await must(cli, "snapshots", "ls");
      const top = /^(sha256:\w+)\s+sha256:/m.exec(listed)?.[1] ?? "";
      const layer = await must(cli, "snapshots", "diff", "--media-type", "application/vnd.oci.image.layer.v1.tar", top);
      return { listed: listed.split("\n").sort(), layer };
    });
    expect(expected.layer).toContain("upper");
    expect(found).toEqual(expected);
  });
});
