// A daemon on a bad disk: a write that fails is refused and undone, a full disk stops only what grows, and a damaged store is not
// opened.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type ErrorKind, errorKind } from "../../api/core/errors.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { type Berthd, runBerthd, startBerthd } from "../helpers/daemon.js";
import { requires } from "../helpers/requires.js";
import { fillUp, smallDisk } from "../helpers/small-disk.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";
import { traceProcess } from "./strace.js";

const MIB = 1024 * 1024;
const PAGE_BYTES = 4096;

let scope: DisposeScope;
let namespace: string;
beforeEach(() => {
  scope = new DisposeScope();
  namespace = freshNamespace(scope);
});
afterEach(() => scope[Symbol.asyncDispose]());

const clientOf = (daemon: Berthd): Client => scope.use(connect({ address: daemon.address, namespace }));

const create = (client: Client, id: string) =>
  client.containers.create(
    {},
    { id, runtime: { name: "io.containerd.runc.v2" }, spec: anyOfJson(SPEC_TYPE, { padding: "x".repeat(2_000) }) },
  );

const ids = async (client: Client) => (await client.containers.list({})).map(({ id }) => id);

/** Makes so many containers one after another; answers what became of each. */
async function createMany(client: Client, count: number): Promise<Map<string, ErrorKind | "ok">> {
  const outcomes = new Map<string, ErrorKind | "ok">();
  for (let n = 0; n < count; n += 1) {
    const id = `c${`${n}`.padStart(3, "0")}`;
    const outcome = await create(client, id).then(() => "ok" as const, errorKind);
    outcomes.set(id, outcome);
  }
  return outcomes;
}

const acknowledged = (outcomes: ReadonlyMap<string, string>) =>
  [...outcomes].filter(([, outcome]) => outcome === "ok").map(([id]) => id);

describe.skipIf(requires.binary("strace"))("a disk with bad spots", () => {
  // A commit writes each page with a header before it.
  test.each([5, 12, 19])(
    "the %dth write of the WAL fails: one change is refused and undone, the others stay",
    async (nth) => {
      const daemon = await startBerthd(scope);
      const wal = join(daemon.rootDir, "metadata.db-wal");
      const trace = await traceProcess(scope, {
        pid: daemon.pid,
        file: join(await tempDir(scope), "trace"),
        syscalls: ["pwrite64"],
        args: ["-P", wal, "-e", `inject=pwrite64:error=EIO:when=${nth}`],
      });
      const outcomes = await createMany(clientOf(daemon), 20);
      await trace.stop();
      const failed = [...outcomes.values()].filter((outcome) => outcome !== "ok");
      expect(failed).toEqual(["internal"]);
      expect(await ids(clientOf(daemon))).toEqual(acknowledged(outcomes));
      await daemon.kill();
      expect(await ids(clientOf(await daemon.restart()))).toEqual(acknowledged(outcomes));
    },
  );
});

describe.skipIf(requires.root() || requires.binary("mkfs.ext4"))("a disk that is full", () => {
  test("refuses creates, goes on otherwise, and lets the daemon start again", async () => {
    const disk = await smallDisk(scope, 32 * MIB);
    const daemon = await startBerthd(scope, { dir: join(disk, "d") });
    const client = clientOf(daemon);
    const made = acknowledged(await createMany(client, 10));
    expect(made).toHaveLength(10);
    fillUp(disk);
    let late = 0;
    const refused = await until("a create to be refused", async () => {
      late += 1;
      const outcome = await create(client, `d${`${late}`.padStart(3, "0")}`).then(({ id }) => made.push(id), errorKind);
      return typeof outcome === "string" && outcome;
    });
    expect(refused).toBe("resource_exhausted");
    expect(await ids(client)).toEqual(made);
    await client.containers.delete({}, made.shift() ?? "");

    await daemon.kill();
    const again = clientOf(await daemon.restart());
    expect(await ids(again)).toEqual(made);
    expect(await create(again, "e").then(() => "ok", errorKind)).toBe("resource_exhausted");
    for (const id of made.splice(0)) await again.containers.delete({}, id);
    expect(await ids(again)).toEqual([]);
    rmSync(join(disk, "ballast"));
    await until("creates to be taken", () => create(again, "f"));
  });
});

test("a damaged store stops the daemon with a message that names it, and stays as it is", async () => {
  const daemon = await startBerthd(scope);
  const path = join(daemon.rootDir, "metadata.db");
  await createMany(clientOf(daemon), 100);
  await daemon.stop();
  await daemon.restart().then((second) => second.kill());
  const bytes = readFileSync(path);
  bytes.fill(0x5a, 4 * PAGE_BYTES, bytes.length - PAGE_BYTES);
  writeFileSync(path, bytes);
  copyFileSync(path, join(daemon.dir, "before"));
  const { rootDir, stateDir, address } = daemon;
  const refused = await runBerthd(["--root", rootDir, "--state", stateDir, "--address", address]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    new RegExp(`^berthd: metadata store ${path} is damaged: .*; it was left as it is, .*: data loss$`, "ms"),
  );
  expect(readFileSync(path).equals(readFileSync(join(daemon.dir, "before")))).toBe(true);
});
