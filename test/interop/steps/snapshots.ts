// Snapshots on both snapshotters: prepared, filled through their mounts, committed, measured, labelled, removed, and what is refused.
// Views get a label that makes them roots: any removal may set off the collector.
import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { mounted } from "../../helpers/mounted.js";
import { sortLabels } from "../mask.js";
import { command, type Step, story } from "../step.js";

const mountsSchema = z.array(
  z
    .object({ Type: z.string(), Source: z.string(), Options: z.array(z.string()) })
    .transform(({ Type, Source, Options }) => ({ type: Type, source: Source, options: Options })),
);

/** Where a daemon keeps its snapshots, and under which numbers, is its own business. */
const maskFolders = (text: string): string =>
  text.replace(/[^\s"=:]*\/io\.containerd\.snapshotter\.v1\.(\w+)\/snapshots\/\d+/g, "FOLDER/$1/N");

/** Prepares a snapshot with `--mounts` and fills it. */
const filled = (snapshots: readonly string[], args: readonly string[], fill: (root: string) => void): Step =>
  story(
    [...snapshots, ...args, "and fill it"].join(" "),
    async ({ cli }) => {
      const result = await cli.run([...snapshots, ...args]);
      await mounted(mountsSchema.parse(JSON.parse(result.stdout)), fill);
      return result;
    },
    maskFolders,
  );

function fillBase(root: string): void {
  mkdirSync(join(root, "d/e"), { recursive: true });
  writeFileSync(join(root, "d/big"), "x".repeat(300_000));
  linkSync(join(root, "d/big"), join(root, "d/e/same"));
  symlinkSync("d/big", join(root, "link"));
  writeFileSync(join(root, "d/small"), "x");
}

/** A file with a hole; containerd's native snapshotter fills holes when it copies, ours keeps them. */
function makeHole(root: string): void {
  writeFileSync(join(root, "sparse"), "x");
  truncateSync(join(root, "sparse"), 50_000_000);
}

function stepsOf(snapshotter: string): readonly Step[] {
  const snapshots = ["snapshots", "--snapshotter", snapshotter];
  const run = (...args: string[]): Step => command([...snapshots, ...args], maskFolders);
  return [
    run("ls"),
    run("commit", "x", "y"),
    run("prepare", ""),
    run("prepare", "x", "nope"),
    filled(snapshots, ["prepare", "--mounts", "a"], (root) => {
      fillBase(root);
      if (snapshotter === "overlayfs") makeHole(root);
    }),
    run("prepare", "a"),
    run("usage"),
    run("usage", "a"),
    run("commit", "L1", "a"),
    run("commit", "L1", "a"),
    run("usage", "L1"),
    filled(snapshots, ["prepare", "--mounts", "b", "L1"], (root) => writeFileSync(join(root, "d/small"), "changed")),
    run("mounts", "/target", "b"),
    run("usage", "b"),
    run("commit", "L2", "b"),
    filled(snapshots, ["prepare", "--mounts", "c", "L2"], (root) => mkdirSync(join(root, "new"))),
    run("view", "--mounts", "v0"),
    run("label", "v0", "containerd.io/gc.root=x"),
    run("view", "--mounts", "v1", "L1"),
    run("label", "v1", "containerd.io/gc.root=x"),
    run("view", "--mounts", "v2", "L2"),
    run("label", "v2", "containerd.io/gc.root=x"),
    run("mounts", "/target", "v2"),
    run("mounts", "/target", "L1"),
    run("view", "v1", "L2"),
    run("prepare", "x", "c"),
    run("view", "x", "v1"),
    run("commit", "x", "L1"),
    run("commit", "c", "c"),
    run("commit", "x", "nope"),
    run("ls"),
    run("usage"),
    run("tree"),
    run("info", "L1"),
    run("info", "c"),
    run("info", "v2"),
    run("info", "nope"),
    command([...snapshots, "label", "L2", "k=v", "other=w"], sortLabels),
    command([...snapshots, "label", "L2", "k="], sortLabels),
    run("info", "L2"),
    run("label", "nope", "k=v"),
    run("usage", "nope"),
    run("mounts", "/target", "nope"),
    run("rm", "L1"),
    run("rm", "nope"),
    run("rm", "v0", "v1", "v2", "c"),
    run("ls"),
    run("rm", "L2"),
    run("rm", "L1"),
    run("ls"),
  ];
}

export const snapshots: readonly Step[] = [
  ...stepsOf("overlayfs"),
  ...stepsOf("native"),
  command(["snapshots", "--snapshotter", "nope", "ls"]),
  command(["snapshots", "--snapshotter", "nope", "prepare", "a"]),
  story("plugins ls of snapshotters", async ({ cli }) => {
    const result = await cli.run(["plugins", "ls"]);
    const lines = result.stdout
      .split("\n")
      .filter((line) => /snapshotter\.v1 +(overlayfs|native) |snapshots/.test(line));
    return {
      ...result,
      stdout: lines
        .map((line) => line.trim().replace(/ +/g, " "))
        .sort()
        .join("\n"),
    };
  }),
];
