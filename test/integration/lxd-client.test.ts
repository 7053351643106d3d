// Our client of LXD against Debian's LXD: every call it has, over the real socket.
import { createReadStream } from "node:fs";
import { readFile as readHostFile, writeFile as writeHostFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { createBackup, deleteBackup, openBackup, restoreBackup } from "../../runtime/lxd/backups.js";
import { editDevices } from "../../runtime/lxd/devices.js";
import { readFile, writeFile } from "../../runtime/lxd/files.js";
import {
  createAlias,
  deleteAlias,
  deleteImage,
  fetchImage,
  getImage,
  importImage,
  listImages,
  openImage,
  publishImage,
  resolveAlias,
} from "../../runtime/lxd/images.js";
import {
  changeState,
  createInstance,
  deleteInstance,
  getInstance,
  getInstanceState,
  listInstances,
  openInstanceLog,
  renameInstance,
  updateInstance,
} from "../../runtime/lxd/instances.js";
import type { Operation } from "../../runtime/lxd/replies.js";
import { LxdServer } from "../../runtime/lxd/server.js";
import {
  configureServer,
  ensureNetwork,
  ensureProfile,
  ensureStoragePool,
  getLxdInfo,
} from "../../runtime/lxd/setup.js";
import { createSnapshot, deleteSnapshot, listSnapshots, restoreSnapshot } from "../../runtime/lxd/snapshots.js";
import { initListens, LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const OWNER = { uid: 0, gid: 0, mode: 0o644 };

describe.skipIf(requires.root() || requires.binary("lxd"))("the client of LXD", () => {
  const scope = new DisposeScope();
  let lxd: Lxd;
  let server: LxdServer;

  beforeAll(async () => {
    lxd = await startLxd(scope);
    server = scope.use(new LxdServer({ socketPath: lxd.socketPath }));
    await createInstance(server, { name: "web", source: { type: "alias", alias: LXD_BUSYBOX } });
    await changeState(server, "web", "start");
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  describe("instances", () => {
    test("are made, looked at, changed, renamed and removed", async () => {
      const config = { "user.berth": "yes" };
      await createInstance(server, { name: "one", source: { type: "alias", alias: LXD_BUSYBOX }, config });
      expect(await getInstance(server, "one")).toMatchObject({ name: "one", status: "Stopped", config });
      expect(await getInstanceState(server, "one")).toMatchObject({ status: "Stopped", pid: 0 });
      await updateInstance(server, "one", { config: { "user.berth": "", "user.other": "1" } });
      const changed = (await getInstance(server, "one")).config;
      expect(changed).toMatchObject({ "user.other": "1" });
      expect(changed).not.toHaveProperty("user.berth");
      await renameInstance(server, "one", "two");
      expect((await listInstances(server)).map(({ name }) => name)).toEqual(["two", "web"]);
      await createInstance(server, { name: "three", source: { type: "copy", of: "two" } });
      for (const name of ["two", "three"]) await deleteInstance(server, name);
      await expect(getInstance(server, "two")).rejects.toMatchObject({
        kind: "not_found",
        message: "lxd: look at instance two: Instance not found: not found",
      });
    });

    test("get and lose devices, and a running one does at once", async () => {
      const device = { type: "unix-char", path: "/dev/extra", major: "1", minor: "3", mode: "0666" };
      const isThere = async () => (await lxd.run(["exec", "web", "--", "test", "-c", "/dev/extra"])).code === 0;
      await editDevices(server, "web", (devices) => ({ ...devices, extra: device }));
      expect(await isThere()).toBe(true);
      let seen = 0;
      await editDevices(server, "web", (devices) => {
        seen += 1;
        return devices;
      });
      expect(seen).toBe(1);
      await lxd.must(["config", "device", "add", "web", "other", "none"]);
      await editDevices(server, "web", (devices) => ({ ...devices, third: { type: "none" } }));
      expect(Object.keys((await getInstance(server, "web")).devices).sort()).toEqual(["extra", "other", "third"]);
      await editDevices(server, "web", () => ({}));
      expect((await getInstance(server, "web")).devices).toEqual({});
      expect(await isThere()).toBe(false);
      const refused = editDevices(server, "web", () => ({ bad: { type: "nonsense" } }));
      await expect(refused).rejects.toThrow("lxd: change the devices of instance web: ");
      await expect(editDevices(server, "none", (devices) => devices)).rejects.toMatchObject({ kind: "not_found" });
    });

    test("go from state to state", async () => {
      const { pid, status } = await getInstanceState(server, "web");
      expect(status).toBe("Running");
      expect(pid).toBeGreaterThan(1);
      await changeState(server, "web", "freeze");
      expect((await getInstance(server, "web")).status).toBe("Frozen");
      await changeState(server, "web", "unfreeze");
      await initListens(lxd, "web");
      await changeState(server, "web", "stop");
      await changeState(server, "web", "start");
      await changeState(server, "web", "restart", { isForced: true });
      const after = await getInstanceState(server, "web");
      expect(after).toMatchObject({ status: "Running" });
      expect(after.pid).not.toBe(pid);
    });

    test("keep users of the machine where they are asked to", async () => {
      const kept = [1000, 1001, 655_360, 665_357].map((uid) => `both ${uid} ${uid}`).join("\n");
      const config = { "raw.idmap": kept };
      await createInstance(server, { name: "kept", source: { type: "alias", alias: LXD_BUSYBOX }, config });
      await changeState(server, "kept", "start");
      const { pid } = await getInstanceState(server, "kept");
      const map = await readHostFile(`/proc/${pid}/uid_map`, "utf8");
      const lines = map
        .trim()
        .split("\n")
        .map((line) => line.trim().split(/\s+/));
      expect(lines).toContainEqual(["1000", "1000", "1"]);
      expect(lines).toContainEqual(["665357", "665357", "1"]);
      await changeState(server, "kept", "stop", { isForced: true });
      await deleteInstance(server, "kept");
    });

    test("get an address", async () => {
      await until("an address", async () => {
        const { network } = await getInstanceState(server, "web");
        return network?.["eth0"]?.addresses.some(({ address }) => address.startsWith("10.213.9."));
      });
    });

    test("have logs", async () => {
      const log = await openInstanceLog(server, "web", "lxc.conf");
      expect((await buffer(log)).toString()).toContain("lxc.uts.name = web");
    });

    test.each<{ name: string; deed: () => Promise<unknown>; kind: string; text: RegExp }>([
      {
        name: "a running one is not removed",
        deed: () => deleteInstance(server, "web"),
        kind: "failed_precondition",
        text: /Instance is running/,
      },
      {
        name: "a running one does not start",
        deed: () => changeState(server, "web", "start"),
        kind: "failed_precondition",
        text: /already running/,
      },
      {
        name: "a name is taken once",
        deed: () => createInstance(server, { name: "web", source: { type: "alias", alias: LXD_BUSYBOX } }),
        kind: "unknown",
        text: /already exists/,
      },
      {
        name: "an image has to be there",
        deed: () => createInstance(server, { name: "new", source: { type: "alias", alias: "nope" } }),
        kind: "not_found",
        text: /alias not found/,
      },
      {
        name: "a name has to be one",
        deed: () => createInstance(server, { name: "a_b", source: { type: "alias", alias: LXD_BUSYBOX } }),
        kind: "invalid_argument",
        text: /Invalid instance name/,
      },
      {
        name: "a path is no name",
        deed: () => getInstance(server, "../profiles/default"),
        kind: "invalid_argument",
        text: /name/i,
      },
      {
        name: "a setting has to be known",
        deed: () => updateInstance(server, "web", { config: { "limits.nothing": "1" } }),
        kind: "unknown",
        text: /limits\.nothing/,
      },
    ])("$name", async ({ deed, kind, text }) => {
      await expect(deed()).rejects.toMatchObject({ kind, message: expect.stringMatching(text) });
    });
  });

  describe("images", () => {
    test("come from two archives, are named, run and go", async () => {
      const { metadata, rootfs } = lxd.image;
      const fingerprint = await importImage(server, {
        metadata: createReadStream(metadata),
        rootfs: createReadStream(rootfs),
      });
      await createAlias(server, "parts", fingerprint);
      expect(await resolveAlias(server, "parts")).toBe(fingerprint);
      expect(await getImage(server, fingerprint)).toMatchObject({ fingerprint, aliases: [{ name: "parts" }] });
      await expect(createAlias(server, "parts", fingerprint)).rejects.toMatchObject({ kind: "already_exists" });
      const told: string[] = [];
      const onNews = ({ metadata }: Operation): unknown => told.push(...Object.keys(metadata ?? {}));
      await createInstance(server, { name: "parts", source: { type: "fingerprint", fingerprint } }, { onNews });
      expect(told).toContain("progress");
      await changeState(server, "parts", "start");
      await changeState(server, "parts", "stop", { isForced: true });
      await deleteInstance(server, "parts");
      await deleteAlias(server, "parts");
      await deleteImage(server, fingerprint);
      expect((await listImages(server)).map((image) => image.fingerprint)).not.toContain(fingerprint);
    });

    test("are made of instances, and written out", async () => {
      await createInstance(server, { name: "src", source: { type: "alias", alias: LXD_BUSYBOX } });
      await writeFile(server, "src", "/etc/mark", Buffer.from("marked"), OWNER);
      const fingerprint = await publishImage(server, "src", { compression: "none" });
      const archive = join(await tempDir(scope), "image.tar");
      await writeHostFile(archive, await openImage(server, fingerprint));
      const { stdout } = await runProgram("tar", ["-tf", archive]);
      expect(stdout.split("\n")[0]).toBe("metadata.yaml");
      expect(stdout).toContain("rootfs/etc/mark");
      await deleteImage(server, fingerprint);
      expect(await importImage(server, { unified: createReadStream(archive) })).toBe(fingerprint);
      await deleteImage(server, fingerprint);
      await deleteInstance(server, "src");
    });

    test("that are none are refused", async () => {
      async function* nonsense() {
        yield Buffer.from("nonsense");
      }
      await expect(importImage(server, { unified: nonsense() })).rejects.toMatchObject({
        message: expect.stringContaining("lxd: import an image"),
      });
      const remote = { server: "https://127.0.0.1:9", alias: "x" };
      await expect(fetchImage(server, remote)).rejects.toMatchObject({
        message: expect.stringContaining("lxd: fetch image x from https://127.0.0.1:9"),
      });
    });
  });

  test("snapshots are made, listed, restored, copied and removed", async () => {
    await writeFile(server, "web", "/etc/when", Buffer.from("before"), OWNER);
    await createSnapshot(server, "web", "first");
    await writeFile(server, "web", "/etc/when", Buffer.from("after"), OWNER);
    expect((await listSnapshots(server, "web")).map(({ name }) => name)).toEqual(["first"]);
    await createInstance(server, { name: "copy", source: { type: "copy", of: "web/first" } });
    const file = await readFile(server, "copy", "/etc/when");
    expect(file.type === "file" && (await buffer(file.content)).toString()).toBe("before");
    await deleteInstance(server, "copy");
    await restoreSnapshot(server, "web", "first");
    const restored = await readFile(server, "web", "/etc/when");
    expect(restored.type === "file" && (await buffer(restored.content)).toString()).toBe("before");
    await deleteSnapshot(server, "web", "first");
    expect(await listSnapshots(server, "web")).toEqual([]);
  });

  test("a backup becomes an instance again", async () => {
    await writeFile(server, "web", "/etc/kept", Buffer.from("kept"), OWNER);
    await createBackup(server, "web", "b1", { compression: "none" });
    const archive = join(await tempDir(scope), "backup.tar");
    await writeHostFile(archive, await openBackup(server, "web", "b1"));
    await deleteBackup(server, "web", "b1");
    await restoreBackup(server, createReadStream(archive), { name: "again" });
    const file = await readFile(server, "again", "/etc/kept");
    expect(file.type === "file" && (await buffer(file.content)).toString()).toBe("kept");
    await deleteInstance(server, "again");
  });

  test("a server is set up, twice as well as once", async () => {
    for (let time = 0; time < 2; time += 1) {
      await configureServer(server, { "core.shutdown_timeout": "0" });
      await ensureStoragePool(server, { name: "second", driver: "dir" });
      const config = { "ipv4.address": "10.213.10.1/24", "ipv4.nat": "false", "ipv4.firewall": "false" };
      await ensureNetwork(server, { name: "br1", config: { ...config, "ipv6.address": "none" } });
      await ensureProfile(server, {
        name: "nested",
        config: { "security.nesting": "true" },
        devices: { root: { type: "disk", path: "/", pool: "second" } },
      });
    }
    const info = await getLxdInfo(server);
    expect(info.config).toMatchObject({ "core.shutdown_timeout": "0" });
    expect(info.environment.server_pid).toBe(lxd.pid);
    await createInstance(server, {
      name: "nested",
      source: { type: "alias", alias: LXD_BUSYBOX },
      profiles: ["nested"],
    });
    expect((await getInstance(server, "nested")).expanded_devices["root"]).toMatchObject({ pool: "second" });
    await deleteInstance(server, "nested");
  });
});
