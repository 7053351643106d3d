// The doctor against leftovers planted on the host: all are found, what is provably ours is mended, and the rest left as it was.
import { closeSync, constants, openSync } from "node:fs";
import { access, mkdir, mkdtemp, readdir, rename, rm, rmdir, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Finding } from "../../api/core/doctor.js";
import type { EventEnvelope } from "../../api/core/event.js";
import { decodeEvent } from "../../api/core/event-fields.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { makeFifo } from "../../runtime/sys/fifo.js";
import { isMountPoint, mount } from "../../runtime/sys/mount.js";
import { createCli } from "../helpers/cli.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { launch } from "../helpers/launch.js";
import { findLeftovers, pidsWithArgument, shimSocketPath } from "../helpers/leftovers.js";
import { runProgram, startProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const TASKS = "io.containerd.runtime.v2.task";
const TEN_MINUTES_MS = 600_000;

let scope: DisposeScope;
let namespace: string;
let daemon: Berthd;
let client: Client;

beforeEach(async () => {
  scope = new DisposeScope();
  namespace = freshNamespace(scope);
  daemon = await startBerthd(scope);
  client = scope.use(connect({ address: daemon.address, namespace }));
});
afterEach(() => scope[Symbol.asyncDispose]());

/** Findings about this test's own things: pipes lie in a place that everybody on the host uses. */
async function check(repair = false): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const finding of client.doctor.check({}, { repair })) found.push(finding);
  return found.filter(({ kind, subject }) => kind !== "pipes-without-user" || subject.includes(namespace));
}

const short = (found: readonly Finding[]) =>
  found.map(({ kind, subject, isProblem, repairable, repaired }) => {
    const state = repaired ? "repaired" : repairable ? "repairable" : isProblem ? "problem" : "note";
    return `${kind} ${subject}: ${state}`;
  });

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

const bundlePath = (id: string) => join(daemon.stateDir, TASKS, namespace, id);
const workPath = (id: string) => join(daemon.rootDir, TASKS, namespace, id);

async function makeBundle(id: string): Promise<string> {
  const path = bundlePath(id);
  await mkdir(join(path, "rootfs"), { recursive: true });
  await mkdir(workPath(id), { recursive: true });
  await symlink(workPath(id), join(path, "work"));
  await writeFile(join(path, "config.json"), "{}");
  return path;
}

const makeRecord = (id: string) =>
  client.containers.create(
    { namespace },
    { id, runtime: { name: "io.containerd.runc.v2" }, spec: anyOfJson(SPEC_TYPE, {}) },
  );

/** A shim of this daemon that was started for a task and then forgotten. */
async function makeStrayShim(id: string, cwd: string): Promise<number> {
  const args = [
    "-namespace",
    namespace,
    "-id",
    id,
    "-address",
    daemon.address,
    "-publish-binary",
    "/bin/true",
    "start",
  ];
  // It ends at once when nobody reads its log.
  makeFifo(join(cwd, "log"), 0o600);
  const log = openSync(join(cwd, "log"), constants.O_RDWR | constants.O_NONBLOCK);
  scope.defer(() => closeSync(log));
  const env = { TTRPC_ADDRESS: daemon.ttrpcAddress };
  const { code, stderr } = await runProgram(
    "sh",
    ["-c", 'cd "$0" && exec containerd-shim-runc-v2 "$@"', cwd, ...args],
    { env },
  );
  expect(`${code} ${stderr}`).toBe("0 ");
  const isShim = async () => {
    const named = await pidsWithArgument(id);
    return (await pidsWithArgument(namespace)).find((pid) => named.includes(pid));
  };
  return await until("the shim to run", isShim);
}

/** A socket file whose listener is gone. */
async function makeDeadSocket(path: string): Promise<void> {
  const server = createServer();
  const elsewhere = `${path}.new`;
  await new Promise<void>((resolve) => server.listen(elsewhere, () => resolve()));
  // Closing would remove the file by the name it was made under.
  await rename(elsewhere, path);
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

describe.skipIf(requires.root() || requires.binary("containerd-shim-runc-v2"))("the doctor", () => {
  test("finds nothing about running tasks and stopped ones", async () => {
    const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    const id = `${namespace}-busy`;
    const running = await launch({ client, namespace, id, rootfs, args: ["/bin/sh", "-c", "read line"] });
    await makeRecord("resting");
    expect(await check()).toEqual([]);
    expect(await check(true)).toEqual([]);
    await running.endInput();
    expect((await running.remove()).exitStatus).toBe(1);
    expect(await check()).toEqual([]);
    expect(await findLeftovers(daemon, namespace, [id])).toEqual([]);
  });

  test("mends bundles, mounts, folders and sockets that belong to nobody, and says so in the ledger", async () => {
    const seen: EventEnvelope[] = [];
    const ended = new AbortController();
    const watching = (async () => {
      const filters = ["topic~=^/berth/doctor/"];
      for await (const event of client.events.subscribe({ filters, signal: ended.signal })) seen.push(event);
    })().catch(() => undefined);
    const bundle = await makeBundle("left");
    const rootfs = join(bundle, "rootfs");
    mount({ type: "tmpfs", source: "none", target: rootfs, options: ["size=1m"] });
    await writeFile(join(rootfs, "theirs"), "");
    await mkdir(join(bundlePath(".half-0a1b2c3d"), "rootfs"), { recursive: true });
    await mkdir(workPath("orphan"));
    await makeRecord("gone");
    const socket = shimSocketPath(daemon, namespace, "gone");
    await makeDeadSocket(socket);
    scope.defer(() => rm(socket, { force: true }));

    const things = [
      `mount-without-task ${rootfs}`,
      `bundle-without-task ${bundle}`,
      `leftover-folder ${bundlePath(".half-0a1b2c3d")}`,
      `leftover-folder ${workPath("orphan")}`,
      `stale-socket ${socket}`,
    ];
    expect(short(await check())).toEqual(things.map((thing) => `${thing}: repairable`));
    expect(isMountPoint(rootfs)).toBe(true);
    expect(short(await check(true))).toEqual(things.map((thing) => `${thing}: repaired`));
    expect(await check()).toEqual([]);
    expect(isMountPoint(rootfs)).toBe(false);
    for (const path of [bundle, workPath("left"), workPath("orphan"), socket]) expect(await exists(path)).toBe(false);

    await until("the repairs to be told", () => seen.length === things.length);
    expect(seen.map(({ topic }) => topic)).toEqual(things.map(() => "/berth/doctor/repaired"));
    expect(seen[1]?.event && decodeEvent(seen[1].event)).toMatchObject({
      kind: "bundle-without-task",
      subject: bundle,
    });
    ended.abort();
    await watching;
  });

  test("ends a shim that holds nothing, then removes what it worked in", async () => {
    const bundle = await makeBundle("stray");
    await makeRecord("stray");
    const pid = await makeStrayShim("stray", bundle);
    scope.defer(async () => {
      if (await exists(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
    });
    expect(short(await check())).toEqual([
      `shim-without-task process ${pid}: repairable`,
      `bundle-without-task ${bundle}: problem`,
    ]);
    expect(await exists(`/proc/${pid}`)).toBe(true);
    expect(short(await check(true))).toEqual([
      `shim-without-task process ${pid}: repaired`,
      `bundle-without-task ${bundle}: repaired`,
      `stale-socket ${shimSocketPath(daemon, namespace, "stray")}: repaired`,
    ]);
    expect(await check()).toEqual([]);
    expect(await exists(bundle)).toBe(false);
    expect(await exists(shimSocketPath(daemon, namespace, "stray"))).toBe(false);
  });

  test("leaves a bundle alone whose container may live on", async () => {
    const bundle = await makeBundle("alive");
    await using container = await startProgram("sleep", ["60"]);
    await writeFile(join(bundle, "init.pid"), `${container.pid}`);
    const expected = [`bundle-without-task ${bundle}: problem`];
    expect(short(await check())).toEqual(expected);
    expect(short(await check(true))).toEqual(expected);
    expect(await exists(join(bundle, "config.json"))).toBe(true);
  });

  test("tells of a task without a record, of cgroups and of pipes, and leaves them", async () => {
    const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    const id = `${namespace}-lost`;
    const running = await launch({ client, namespace, id, rootfs, args: ["/bin/sh", "-c", "read line"] });
    const record = await client.containers.get({ namespace }, id);
    await client.containers.delete({ namespace }, id);
    const roots = await readdir("/sys/fs/cgroup");
    const parent = roots.includes("cgroup.procs") ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    const cgroup = join(parent, namespace, "ghost");
    await mkdir(cgroup, { recursive: true });
    scope.defer(() => rmdir(cgroup));
    const pipes = await mkdtemp(`/run/containerd/fifo/${namespace}`);
    scope.defer(() => rm(pipes, { recursive: true }));
    const past = new Date(Date.now() - TEN_MINUTES_MS);
    await utimes(pipes, past, past);

    const expected = [
      `task-without-record ${id}: problem`,
      `cgroup-without-task /${namespace}/ghost: note`,
      `pipes-without-user ${pipes}: note`,
    ];
    expect(short(await check())).toEqual(expected);
    expect(short(await check(true))).toEqual(expected);
    expect(await exists(pipes)).toBe(true);
    await client.containers.create({ namespace }, { ...record });
    await running.endInput();
    await running.remove();
  });

  test("berth doctor prints a table, or JSON, and its status tells whether a problem remains", async () => {
    const berth = createCli("berth", daemon, namespace);
    await makeBundle("left");
    const found = await berth.run(["doctor"]);
    expect(found).toMatchObject({ code: 1, stderr: "" });
    expect(found.stdout).toMatch(/^KIND +NAMESPACE +STATE +SUBJECT +DETAIL/);
    expect(found.stdout).toContain(bundlePath("left"));
    const repaired = await berth.run(["doctor", "--repair", "--format", "json"]);
    expect(repaired).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(repaired.stdout)).toContainEqual({
      kind: "bundle-without-task",
      namespace,
      subject: bundlePath("left"),
      detail: "no shim and no container belong to it",
      isProblem: true,
      repairable: true,
      repaired: true,
    });
    expect(await berth.run(["doctor"])).toMatchObject({ code: 0, stderr: "" });
  });
});
