import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type ExecOptions, startExec } from "../../runtime/lxd/exec.js";
import { deleteFile, makeDirectory, makeSymlink, readFile, writeFile } from "../../runtime/lxd/files.js";
import { changeState, createInstance, deleteInstance } from "../../runtime/lxd/instances.js";
import { LxdServer } from "../../runtime/lxd/server.js";
import { LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const SIGTERM = 15;
const OWNER = { uid: 0, gid: 0, mode: 0o644 };

describe.skipIf(requires.root() || requires.binary("lxd"))("in an instance of LXD", () => {
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

  /** A process to its end, with what it wrote. */
  async function exec(options: ExecOptions, input = ""): Promise<{ exit: number; stdout: string; stderr: string }> {
    using process = await startExec(server, "web", options);
    if (input !== "") await process.write(Buffer.from(input));
    if (options.terminal === undefined) await process.endInput();
    const [exit, stdout, stderr] = await Promise.all([process.exit, buffer(process.stdout), buffer(process.stderr)]);
    return { exit, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  describe("processes", () => {
    test("have three streams and an exit code", async () => {
      const script = "echo out; echo err >&2; cat; echo $GIVEN $(id -u):$(id -g) $(pwd); exit 7";
      const options: ExecOptions = {
        command: ["sh", "-c", script],
        env: { GIVEN: "a b" },
        uid: 5,
        gid: 6,
        cwd: "/tmp",
      };
      expect(await exec(options, "in\n")).toEqual({ exit: 7, stdout: "out\nin\na b 5:6 /tmp\n", stderr: "err\n" });
    });

    test("write as fast as they are read, and no byte is lost", async () => {
      using process = await startExec(server, "web", { command: ["sh", "-c", "head -c 50000000 /dev/zero"] });
      await process.endInput();
      let sizeBytes = 0;
      for await (const chunk of process.stdout) sizeBytes += chunk.length;
      expect(sizeBytes).toBe(50_000_000);
      expect(await process.exit).toBe(0);
    });

    test("read as much as they are given", async () => {
      using process = await startExec(server, "web", { command: ["wc", "-c"] });
      const part = Buffer.alloc(1_000_000);
      for (let each = 0; each < 10; each += 1) await process.write(part);
      await process.endInput();
      expect((await buffer(process.stdout)).toString().trim()).toBe("10000000");
    });

    test("have a terminal that changes its size", async () => {
      using process = await startExec(server, "web", {
        // LXD does not say when it has changed the size, and may lose what a terminal shows right before the end.
        command: [
          "sh",
          "-c",
          "stty size; while [ \"$(stty size)\" = '24 80' ]; do sleep 0.05; done; stty size; read x",
        ],
        terminal: { columns: 80, rows: 24 },
      });
      let shown = "";
      const reading = (async () => {
        for await (const chunk of process.stdout) shown += chunk.toString();
      })();
      await until("the first size", () => shown === "24 80\r\n");
      await process.resize(100, 30);
      await until("the new size", () => shown === "24 80\r\n30 100\r\n");
      await process.write(Buffer.from("x\r"));
      await reading;
      expect(await process.exit).toBe(0);
    });

    test("are sent signals", async () => {
      using process = await startExec(server, "web", { command: ["sh", "-c", "echo ready; exec sleep 600"] });
      expect((await process.stdout.next()).value?.toString()).toBe("ready\n");
      await process.kill(SIGTERM);
      expect(await process.exit).toBe(128 + SIGTERM);
    });

    test("that cannot be run have the codes of a shell", async () => {
      expect((await exec({ command: ["/nope"] })).exit).toBe(127);
      expect((await exec({ command: ["/etc/passwd"] })).exit).toBe(126);
    });

    test("need an instance that runs", async () => {
      await createInstance(server, { name: "idle", source: { type: "alias", alias: LXD_BUSYBOX } });
      const start = startExec(server, "idle", { command: ["true"] });
      await expect(start).rejects.toMatchObject({ kind: "failed_precondition" });
      await deleteInstance(server, "idle");
    });
  });

  describe("files", () => {
    test("are written and read with their owners", async () => {
      await makeDirectory(server, "web", "/srv", { uid: 3, gid: 4, mode: 0o750 });
      const content = Buffer.alloc(3_000_000, "x");
      await writeFile(server, "web", "/srv/a b", content, { uid: 1, gid: 2, mode: 0o600 });
      await makeSymlink(server, "web", "/srv/link", "/etc/passwd");
      const folder = await readFile(server, "web", "/srv");
      expect(folder).toMatchObject({ type: "directory", uid: 3, gid: 4, mode: 0o750 });
      expect(folder.type === "directory" && [...folder.names].sort()).toEqual(["a b", "link"]);
      const file = await readFile(server, "web", "/srv/a b");
      expect(file).toMatchObject({ type: "file", uid: 1, gid: 2, mode: 0o600 });
      expect(file.type === "file" && content.equals(await buffer(file.content))).toBe(true);
      expect(await readFile(server, "web", "/srv/link")).toMatchObject({ type: "symlink", target: "/etc/passwd" });
      await deleteFile(server, "web", "/srv/link");
      await expect(readFile(server, "web", "/srv/link")).rejects.toMatchObject({ kind: "not_found" });
      expect((await exec({ command: ["stat", "-c", "%u:%g %a", "/srv/a b"] })).stdout).toBe("1:2 600\n");
    });

    test("are written from a stream, also when nothing runs", async () => {
      await createInstance(server, { name: "idle", source: { type: "alias", alias: LXD_BUSYBOX } });
      async function* parts() {
        yield Buffer.from("one ");
        yield Buffer.from("two");
      }
      await writeFile(server, "idle", "/etc/parts", parts(), OWNER);
      const file = await readFile(server, "idle", "/etc/parts");
      expect(file.type === "file" && (await buffer(file.content)).toString()).toBe("one two");
      await expect(writeFile(server, "idle", "/no/such/folder", Buffer.from(""), OWNER)).rejects.toMatchObject({
        message: expect.stringContaining("lxd: write /no/such/folder of instance idle"),
      });
      await deleteInstance(server, "idle");
    });
  });
});
