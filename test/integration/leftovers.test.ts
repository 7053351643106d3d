// Whatever a container's life was like, its host is clean afterwards: no shim, mount, cgroup, runc state, bundle, FIFO or socket.
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, type CliName, createCli } from "../helpers/cli.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { findLeftovers, taskShimPid } from "../helpers/leftovers.js";
import type { ProgramResult } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const CLIENTS: readonly CliName[] = ["ctr", "berth"];
const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("ctr");

/** A client on a daemon, with the id that its container has. */
interface Stage {
  readonly cli: Cli;
  readonly id: string;
  readonly rootfs: string;
  run(...args: string[]): Promise<ProgramResult>;
  /** The pid of its shim. */
  shim(): Promise<number>;
}

const sh = (script: string): string[] => ["/bin/sh", "-c", script];

const LIVES: readonly { readonly name: string; readonly live: (stage: Stage) => Promise<void> }[] = [
  {
    name: "ended by itself",
    live: async ({ run, rootfs, id }) => {
      expect((await run("run", "--rm", "--rootfs", rootfs, id, ...sh("echo out; exit 3"))).code).toBe(3);
    },
  },
  {
    name: "could not start for want of a program",
    live: async ({ run, rootfs, id }) => {
      expect((await run("run", "--rm", "--rootfs", rootfs, id, "/bin/not-there")).code).not.toBe(0);
    },
  },
  {
    name: "could not start for want of a root filesystem",
    live: async ({ run, rootfs, id }) => {
      expect((await run("run", "--rm", "--rootfs", `${rootfs}/no/such`, id, "/bin/true")).code).not.toBe(0);
    },
  },
  {
    name: "could not start for want of a shim",
    live: async ({ run, rootfs, id }) => {
      const args = ["run", "--rm", "--runtime", "io.example.none.v1", "--rootfs", rootfs, id, "/bin/true"];
      expect((await run(...args)).code).not.toBe(0);
    },
  },
  {
    name: "was killed with its execs",
    live: async ({ run, rootfs, id }) => {
      await run("run", "-d", "--null-io", "--rootfs", rootfs, id, "/bin/sleep", "1000");
      expect((await run("t", "exec", "--exec-id", "x1", id, "/bin/true")).code).toBe(0);
      expect((await run("t", "exec", "--exec-id", "x2", id, "/bin/not-there")).code).not.toBe(0);
      expect((await run("t", "rm", "-f", id)).code).toBe(0);
      expect((await run("c", "rm", id)).code).toBe(0);
    },
  },
  {
    name: "was killed while it was paused",
    live: async ({ run, rootfs, id }) => {
      await run("run", "-d", "--null-io", "--rootfs", rootfs, id, "/bin/sleep", "1000");
      expect((await run("t", "pause", id)).code).toBe(0);
      expect((await run("t", "kill", "-s", "SIGKILL", id)).code).toBe(0);
      await until("the task to be removed", async () => (await run("t", "rm", id)).code === 0);
      expect((await run("c", "rm", id)).code).toBe(0);
    },
  },
  {
    name: "lost its shim",
    live: async ({ run, rootfs, id, shim }) => {
      await run("run", "-d", "--null-io", "--rootfs", rootfs, id, "/bin/sleep", "1000");
      process.kill(await shim(), "SIGKILL");
      await until("the task to be gone", async () => !(await run("t", "ls", "-q")).stdout.split("\n").includes(id));
      expect((await run("c", "rm", id)).code).toBe(0);
    },
  },
];

describe.skipIf(lacking)("after a container", () => {
  const scope = new DisposeScope();
  let daemon: Berthd;
  let namespace: string;
  let rootfs: string;
  let fifos: string;

  beforeAll(async () => {
    namespace = freshNamespace(scope);
    const dir = await tempDir(scope);
    rootfs = await makeRootfs(join(dir, "rootfs"));
    fifos = join(dir, "fifos");
    await mkdir(fifos);
    daemon = await startBerthd(scope);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  async function expectNothingLeft(ids: readonly string[]): Promise<void> {
    let left: string[] = [];
    await until("nothing to be left", async () => {
      left = await findLeftovers(daemon, namespace, ids);
      return left.length === 0;
    }).catch(() => undefined);
    expect(left).toEqual([]);
  }

  const table = CLIENTS.flatMap((client) => LIVES.map((life) => ({ client, ...life })));
  test.each(table)("of $client that $name, nothing is left", async ({ client, name, live }) => {
    const cli = createCli(client, daemon, namespace);
    const id = `${namespace}-${client}-${name.replaceAll(" ", "-").slice(0, 40)}`;
    const shim = () => taskShimPid(daemon.stateDir, namespace, id);
    await live({ cli, id, rootfs, run: (...args) => cli.run(args), shim });
    expect((await cli.run(["c", "ls", "-q"])).stdout).toBe("");
    expect((await cli.run(["t", "ls", "-q"])).stdout).toBe("");
    await expectNothingLeft([id]);
  });

  test("berth leaves no folder for its pipes either", async () => {
    const berth = createCli("berth", daemon, namespace);
    const id = `${namespace}-pipes`;
    const fifoDir = ["--fifo-dir", fifos];
    await berth.run(["run", "--rm", ...fifoDir, "--rootfs", rootfs, id, "/bin/true"]);
    await berth.run(["run", "--rm", ...fifoDir, "--rootfs", rootfs, id, "/bin/not-there"]);
    await berth.run(["run", "-d", ...fifoDir, "--rootfs", rootfs, id, "/bin/sleep", "1000"]);
    await berth.run(["t", "exec", ...fifoDir, "--exec-id", "x1", id, "/bin/true"]);
    await berth.run(["t", "exec", ...fifoDir, "--exec-id", "x2", id, "/bin/not-there"]);
    await berth.run(["t", "exec", "-d", ...fifoDir, "--exec-id", "x3", id, "/bin/true"]);
    expect(await readdir(fifos)).not.toEqual([]);
    await until("the exec to be removed", async () => (await berth.run(["t", "rm", "--exec-id", "x3", id])).code === 0);
    await berth.run(["t", "rm", "-f", id]);
    await berth.run(["c", "rm", id]);
    expect(await readdir(fifos)).toEqual([]);
    await expectNothingLeft([id]);
  });

  test("that lived through a restart of the daemon, nothing is left", async () => {
    const id = `${namespace}-restart`;
    await createCli("berth", daemon, namespace).run(["run", "-d", "--rootfs", rootfs, id, "/bin/sleep", "1000"]);
    await daemon.kill();
    daemon = await daemon.restart();
    const berth = createCli("berth", daemon, namespace);
    expect((await berth.run(["t", "ls", "-q"])).stdout).toBe(`${id}\n`);
    expect((await berth.run(["t", "rm", "-f", id])).code).toBe(0);
    expect((await berth.run(["c", "rm", id])).code).toBe(0);
    await expectNothingLeft([id]);
  });
});
