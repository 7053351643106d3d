// Files of an instance over SFTP, against Debian's LXD.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { changeState, createInstance, deleteInstance } from "../../runtime/lxd/instances.js";
import { LxdServer } from "../../runtime/lxd/server.js";
import { openSftp } from "../../runtime/lxd/sftp.js";
import { LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const OWNER = { uid: 0, gid: 0, mode: 0o644 };

describe.skipIf(requires.root() || requires.binary("lxd"))("the client of LXD's files", () => {
  const scope = new DisposeScope();
  let lxd: Lxd;
  let server: LxdServer;

  beforeAll(async () => {
    lxd = await startLxd(scope);
    server = scope.use(new LxdServer({ socketPath: lxd.socketPath }));
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  describe.each(["running", "stopped"])("files of a %s instance over SFTP", (state) => {
    const name = `sftp-${state}`;

    beforeAll(async () => {
      await createInstance(server, { name, source: { type: "alias", alias: LXD_BUSYBOX } });
      if (state === "running") await changeState(server, name, "start");
    }, 60_000);
    afterAll(async () => {
      if (state === "running") await changeState(server, name, "stop", { isForced: true });
      await deleteInstance(server, name);
    });

    test("are looked at, replaced, read, listed, renamed and removed", async () => {
      using sftp = await openSftp(server, name);
      await sftp.makeDirectory("/srv", { uid: 7, gid: 8, mode: 0o750 });
      expect(await sftp.stat("/srv")).toMatchObject({ type: "directory", uid: 7, gid: 8, mode: 0o750 });
      const large = Buffer.alloc(100_001, "x");
      await sftp.replaceFile("/srv/one", [large, Buffer.from("end")], { uid: 5, gid: 6, mode: 0o711 });
      expect(await sftp.lstat("/srv/one")).toEqual({ type: "file", sizeBytes: 100_004, uid: 5, gid: 6, mode: 0o711 });
      expect(await sftp.readFile("/srv/one", 100_004)).toEqual(Buffer.concat([large, Buffer.from("end")]));
      await sftp.replaceFile("/srv/one", [], OWNER);
      expect(await sftp.lstat("/srv/one")).toEqual({ type: "file", sizeBytes: 0, ...OWNER });
      await sftp.makeSymlink("/srv/link", "one");
      expect(await sftp.lstat("/srv/link")).toMatchObject({ type: "symlink" });
      expect(await sftp.stat("/srv/link")).toMatchObject({ type: "file" });
      expect(await sftp.readSymlink("/srv/link")).toBe("one");
      expect(await sftp.list("/srv")).toEqual(["link", "one"]);
      await sftp.rename("/srv/one", "/srv/link");
      expect(await sftp.list("/srv")).toEqual(["link"]);
      await sftp.remove("/srv/link");
      await sftp.removeDirectory("/srv");
      await expect(sftp.stat("/srv")).rejects.toMatchObject({ kind: "not_found" });
    });

    test("are refused with what LXD says", async () => {
      using sftp = await openSftp(server, name);
      await expect(sftp.readFile("/nope", 1)).rejects.toMatchObject({
        kind: "not_found",
        message: expect.stringMatching(
          /^lxd: files of instance sftp-.*: \/nope: .*no such file or directory: not found$/,
        ),
      });
      await expect(sftp.readFile("/etc", 1)).rejects.toMatchObject({ kind: "failed_precondition" });
      await expect(sftp.readFile("/etc/passwd", 5)).rejects.toMatchObject({ kind: "resource_exhausted" });
      await expect(sftp.list("/etc/passwd")).rejects.toMatchObject({ kind: "unknown" });
      await expect(sftp.makeDirectory("/etc", OWNER)).rejects.toMatchObject({ kind: "unknown" });
      await expect(sftp.replaceFile("/nope/file", [], OWNER)).rejects.toMatchObject({ kind: "not_found" });
      await expect(sftp.replaceFile("/etc", [], OWNER)).rejects.toMatchObject({ kind: "unknown" });
      // Nothing of those is left, and the session goes on.
      expect((await sftp.list("/")).filter((each) => /new|nope/.test(each))).toEqual([]);
    });

    test("are given up by a deadline, a signal, and the end of the session", async () => {
      const never = async function* (): AsyncGenerator<Buffer> {
        yield Buffer.from("begun");
        await new Promise(() => {});
      };
      const giveUp = new AbortController();
      const sftp = await openSftp(server, name, { signal: giveUp.signal });
      const writing = sftp.replaceFile("/half", never(), OWNER);
      await until("the beginning", async () => (await sftp.list("/")).includes("half.berth-new"));
      giveUp.abort();
      await expect(sftp.list("/")).rejects.toMatchObject({ kind: "cancelled" });
      await expect(Promise.race([writing, Promise.resolve("waits")])).resolves.toBe("waits");
      const ended = await openSftp(server, name);
      ended[Symbol.dispose]();
      await expect(ended.list("/")).rejects.toMatchObject({ kind: "cancelled" });
      await expect(openSftp(server, "gone")).rejects.toMatchObject({ kind: "not_found" });
      const pipe = join(lxd.lxdDir, "containers", name, "rootfs/pipe");
      expect(await runProgram("mkfifo", ["-m", "666", pipe])).toMatchObject({ code: 0 });
      using late = await openSftp(server, name, { timeoutMs: 300 });
      await expect(late.readFile("/pipe", 1)).rejects.toMatchObject({ kind: "failed_precondition" });
      await expect(late.read("/pipe").next()).rejects.toMatchObject({ kind: "deadline_exceeded" });
      await expect(late.list("/")).rejects.toMatchObject({ kind: "deadline_exceeded" });
      // Whoever still waits there is let go.
      const { code } = await runProgram("sh", ["-c", ': <> "$1"', "sh", pipe]);
      expect(code).toBe(0);
    });
  });
});
