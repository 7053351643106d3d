// The files of containers that are none of runc's: processes of the host, and containers of a Docker engine, running and stopped.
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Client, connect, DOCKER_RUNTIME, importImages } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { createCli } from "../helpers/cli.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { busyboxLayer, testImage } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

describe.skipIf(requires.root() || requires.containerd() || requires.binary("dockerd"))(
  "files of other runtimes",
  () => {
    const scope = new DisposeScope();
    let docker: DockerEngine;
    let daemon: Berthd;
    let client: Client;
    let namespace: string;
    let dir: string;

    beforeAll(async () => {
      docker = await startEngine(scope);
      namespace = freshNamespace(scope);
      daemon = await startBerthd(scope, { args: ["--docker-host", docker.host] });
      client = scope.use(connect({ address: daemon.address, namespace }));
      dir = await tempDir(scope);
      // As a client finds the engine whose containers they are.
      vi.stubEnv("DOCKER_HOST", docker.host);
      mkdirSync(join(dir, "in/sub"), { recursive: true });
      writeFileSync(join(dir, "in/sub/file"), "file\n", { mode: 0o640 });
      symlinkSync("sub/file", join(dir, "in/link"));
      execFileSync("chown", ["-R", "1234:5678", join(dir, "in")]);
      execFileSync("truncate", ["-s", "3M", join(dir, "in/holes")]);
    });
    afterAll(async () => {
      vi.unstubAllEnvs();
      await scope[Symbol.asyncDispose]();
    });

    test("a process of the host has the host's files", async () => {
      await using _task = await client.run({ process: true, id: "host", args: ["sleep", "1000"], stdio: "ignore" });
      await client.files.copyIn({}, join(dir, "in"), "host", join(dir, "host"));
      await client.files.copyOut({}, "host", join(dir, "host/sub/file"), join(dir, "back"));
      expect(readFileSync(join(dir, "back"), "utf8")).toBe("file\n");
      const { code, stderr } = await createCli("berth", daemon, namespace).run(["diff", "host"]);
      expect([code, stderr]).toEqual([5, expect.stringContaining('container "host" was not made from an image')]);
    });

    test("a container of Docker, while it runs and when it has ended", async () => {
      const task = await client.run({
        ...{ image: BUSYBOX, runtime: DOCKER_RUNTIME, id: "docker", remove: false, stdio: "ignore" },
        args: ["sh", "-c", "ln -s /etc/passwd /up; ln -s /tmp /short; mkdir /tmp/there; sleep 1000"],
      });
      await until("its folder", async () => (await exec("ls", "/tmp")).includes("there"));
      await client.files.copyIn({}, join(dir, "in"), "docker", "/short/there");
      expect(await exec("stat", "-c", "%u:%g %a", "/tmp/there/in/sub/file")).toBe("0:0 640\n");
      await client.files.copyOut({}, "docker", "/tmp/there/in/.", join(dir, "running"));
      expect(readFileSync(join(dir, "running/link"), "utf8")).toBe("file\n");

      await client.tasks.kill({}, "docker", "", { signal: 9, all: false });
      await until("the end", async () => (await client.tasks.get({}, "docker", "")).status === "stopped");
      await client.files.copyOut({}, "docker", "/short/there/in", join(dir, "stopped"));
      expect(readFileSync(join(dir, "stopped/link"), "utf8")).toBe("file\n");
      expect(lstatSync(join(dir, "stopped/holes")).size).toBe(3 * 1024 * 1024);
      await client.files.copyOut({}, "docker", "/up", join(dir, "passwd"), { followLink: true });
      expect(readFileSync(join(dir, "passwd"), "utf8")).not.toBe(readFileSync("/etc/passwd", "utf8"));
      await client.files.copyIn({}, join(dir, "in"), "docker", "/short/new", { keepOwners: true });
      await client.files.copyIn({}, join(dir, "in/sub/file"), "docker", "/short/new");
      const listed: Uint8Array[] = [];
      for await (const chunk of client.files.archive({}, "docker", "/tmp/new")) listed.push(chunk);
      const names = execFileSync("tar", ["--numeric-owner", "-tv"], { input: Buffer.concat(listed) }).toString();
      expect(names).toMatch(/^-rw-r----- 1234\/5678 +5 .* new\/sub\/file$/m);
      expect(names).toMatch(/^-rw-r----- 0\/0 +5 .* new\/file$/m);
      await expect(client.files.copyOut({}, "docker", "/none", dir)).rejects.toMatchObject({ kind: "not_found" });
      await expect(client.files.copyIn({}, dir, "docker", "/up")).rejects.toMatchObject({
        kind: "failed_precondition",
      });
      const { code, stderr } = await createCli("berth", daemon, namespace).run(["diff", "docker"]);
      expect([code, stderr]).toEqual([7, expect.stringContaining("Docker keeps its files")]);
      await task.delete();

      async function exec(...args: string[]): Promise<string> {
        await using process = await task.exec({ args });
        return (await process.output()).stdout;
      }
    });

    test("what was committed runs on Docker", async () => {
      const image = testImage([await busyboxLayer()], {
        config: { Cmd: ["/bin/sh"], Env: ["PATH=/bin"] },
        dialect: "docker",
      });
      await importImages(client, {}, Readable.from([ociArchive(image, "berth.test/base:1")]), {});
      const made = { image: "berth.test/base:1", id: "made", remove: false, stdio: "ignore" } as const;
      await using task = await client.run({ ...made, args: ["sh", "-c", "echo committed > /note"] });
      await task.wait();
      await client.files.commit({}, "made", "berth.test/made:1");
      const cli = createCli("berth", daemon, namespace);
      const archive = join(dir, "made.tar");
      expect(await cli.run(["images", "export", archive, "berth.test/made:1"])).toMatchObject({ code: 0, stderr: "" });
      await docker.must(["load", "-i", archive]);
      expect(await docker.must(["run", "--rm", "--network", "none", "berth.test/made:1", "cat", "/note"])).toBe(
        "committed",
      );
    });
  },
);
