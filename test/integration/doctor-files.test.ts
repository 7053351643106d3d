// The doctor on blobs, ingests, snapshot folders and temporary mounts: files without records are freed, records without files told.
import { appendFile, chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Finding } from "../../api/core/doctor.js";
import { ingestDir } from "../../runtime/content/layout.js";
import { isMountPoint, mount } from "../../runtime/sys/mount.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { sha256 } from "../helpers/image.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";

/** Nothing is mended but by the doctor. */
const NO_COLLECTOR = '[gc]\nstartup_delay = "0s"\nmutation_threshold = 0\ndeletion_threshold = 1000000\n';
const ROOT = { "containerd.io/gc.root": "1" };

describe.skipIf(requires.root())("the doctor on files", () => {
  let scope: DisposeScope;
  let namespace: string;
  let daemon: Berthd;
  let client: Client;
  let contentDir: string;
  beforeEach(async () => {
    scope = new DisposeScope();
    namespace = freshNamespace(scope);
    daemon = await startBerthd(scope, { config: NO_COLLECTOR });
    client = scope.use(connect({ address: daemon.address, namespace }));
    contentDir = join(daemon.rootDir, "io.containerd.content.v1.content");
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  async function blob(text: string): Promise<string> {
    await using writer = await client.content.openWriter({}, { ref: text });
    await writer.write(Buffer.from(text));
    return await writer.commit({ labels: ROOT });
  }
  const blobFile = (digest: string) => join(contentDir, "blobs/sha256", digest.slice("sha256:".length));

  async function check(repair = false): Promise<Finding[]> {
    const found: Finding[] = [];
    for await (const finding of client.doctor.check({}, { repair })) found.push(finding);
    return found.filter(({ kind }) => !kind.startsWith("pipes-"));
  }
  const short = (found: readonly Finding[]) =>
    found.map((finding) => {
      const state = finding.repaired ? "repaired" : finding.repairable ? "repairable" : "left";
      return `${finding.kind} ${finding.subject}: ${state}${finding.isProblem ? "" : ", a note"}`;
    });

  test("finds nothing in order, with a writer open and a removal not yet collected", async () => {
    await blob("whole");
    await using _writer = await client.content.openWriter({}, { ref: "open" });
    await client.snapshots.get("native").prepare({}, "key");
    await client.snapshots.get("native").commit({}, "base", "key");
    await client.snapshots.get("native").view({}, "view", { parent: "base" });
    expect(await check()).toEqual([]);
    const gone = await blob("gone");
    await client.content.delete({}, gone);
    expect(short(await check())).toEqual([`blob-without-record ${gone}: repairable, a note`]);
    expect(await blob("gone")).toBe(gone);
    expect(await check()).toEqual([]);
  });

  test("frees files that no record names", async () => {
    const digest = sha256(Buffer.from("nobody's"));
    await writeFile(blobFile(digest), "nobody's");
    const ref = `${namespace}/7/lost`;
    await mkdir(ingestDir(contentDir, ref));
    for (const [name, text] of Object.entries({ data: "half", ref, startedat: "", updatedat: "" })) {
      await writeFile(join(ingestDir(contentDir, ref), name), text);
    }
    const folders = join(daemon.rootDir, "io.containerd.snapshotter.v1.overlayfs/snapshots");
    await mkdir(join(folders, "99/fs/deep"), { recursive: true });
    const stray = join(daemon.rootDir, "tmpmounts/berth-mountlost");
    await mkdir(stray);
    mount({ type: "tmpfs", source: "none", target: stray, options: ["size=1m"] });
    const things = [
      [`blob-without-record ${digest}`, ", a note"],
      [`ingest-without-record ${ref}`, ", a note"],
      ["folder-without-snapshot overlayfs 99", ", a note"],
      [`mount-without-job ${stray}`, ""],
    ];
    expect(short(await check())).toEqual(things.map(([thing, note]) => `${thing}: repairable${note}`));
    expect(isMountPoint(stray)).toBe(true);
    expect(short(await check(true))).toEqual(things.map(([thing, note]) => `${thing}: repaired${note}`));
    expect(await check()).toEqual([]);
    expect(await readdir(join(contentDir, "blobs/sha256"))).toEqual([]);
    expect(await readdir(join(contentDir, "ingest"))).toEqual([]);
    expect(await readdir(folders)).toEqual([]);
    expect(await readdir(join(daemon.rootDir, "tmpmounts"))).toEqual([]);
  });

  test("tells of records whose files are gone or changed, and leaves them", async () => {
    const [lost, grown] = [await blob("lost"), await blob("grown")];
    await rm(blobFile(lost));
    await chmod(blobFile(grown), 0o644);
    await appendFile(blobFile(grown), "!");
    await client.snapshots.get("native").prepare({}, "bare", { labels: ROOT });
    await rm(join(daemon.rootDir, "io.containerd.snapshotter.v1.native/snapshots/1"), { recursive: true });
    const wanted = [
      ...[lost, grown].sort().map((digest) => `broken-blob ${digest}: left`),
      "snapshot-without-folder bare: left",
    ];
    for (const repair of [false, true]) expect(short(await check(repair))).toEqual(wanted);
    const found = await check();
    expect(found.map((finding) => finding.namespace)).toEqual([namespace, namespace, namespace]);
    const details = new Map(found.map(({ subject, detail }) => [subject, detail]));
    expect(details.get(lost)).toContain("its bytes are gone");
    expect(details.get(grown)).toContain("6 bytes are there instead of 5");
  });
});
