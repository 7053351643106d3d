// Whatever the life of a Docker task was like, nothing of it is left, neither on the host nor at the engine; and the doctor has nothing
// to say of any, before, during and after.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { findLeftovers } from "../helpers/leftovers.js";
import type { ProgramResult } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const DOCKER = "io.berth.docker.v1";
const RUN = ["run", "--runtime", DOCKER];
const LONG = ["/bin/sleep", "1000"];

interface Stage {
  readonly id: string;
  run(...args: string[]): Promise<ProgramResult>;
  /** The engine's id of its container. */
  containerId(): Promise<string>;
  restart(): Promise<void>;
}

const LIVES: readonly { readonly name: string; readonly live: (stage: Stage) => Promise<void> }[] = [
  {
    name: "ended by itself",
    live: async ({ run, id }) => {
      expect((await run(...RUN, "--rm", BUSYBOX, id, "sh", "-c", "echo out; exit 3")).code).toBe(3);
    },
  },
  {
    name: "could not start for want of a program",
    live: async ({ run, id }) => {
      expect((await run(...RUN, "--rm", BUSYBOX, id, "/bin/not-there")).code).not.toBe(0);
    },
  },
  {
    name: "could not be made for want of an image",
    live: async ({ run, id }) => {
      expect((await run(...RUN, "--rm", "127.0.0.1:1/nothing:1", id, "/bin/true")).code).not.toBe(0);
    },
  },
  {
    name: "was killed with its execs",
    live: async ({ run, id }) => {
      await run(...RUN, "-d", BUSYBOX, id, ...LONG);
      expect((await run("t", "exec", "--exec-id", "x1", id, "/bin/true")).code).toBe(0);
      expect((await run("t", "exec", "-d", "--exec-id", "x2", id, ...LONG)).code).toBe(0);
      expect((await run("t", "rm", "-f", id)).code).toBe(0);
    },
  },
  {
    name: "was killed while it was paused",
    live: async ({ run, id }) => {
      await run(...RUN, "-d", BUSYBOX, id, ...LONG);
      expect((await run("t", "pause", id)).code).toBe(0);
      expect((await run("t", "kill", "-s", "SIGKILL", id)).code).toBe(0);
      await until("the task to be removed", async () => (await run("t", "rm", id)).code === 0);
    },
  },
  {
    name: "lost its container",
    live: async ({ run, id, containerId }) => {
      await run(...RUN, "-d", "--null-io", BUSYBOX, id, ...LONG);
      await engine.must(["rm", "-f", await containerId()]);
      await until("the task to be gone", async () => !(await run("t", "ls", "-q")).stdout.split("\n").includes(id));
    },
  },
  {
    name: "lived through a crash of the daemon",
    live: async ({ run, id, restart }) => {
      await run(...RUN, "-d", BUSYBOX, id, ...LONG);
      await restart();
      expect((await run("t", "ls", "-q")).stdout).toBe(`${id}\n`);
      expect(await complaints()).toEqual([]);
      expect((await run("t", "rm", "-f", id)).code).toBe(0);
    },
  },
];

let engine: DockerEngine;
let client: Client;
let namespace: string;

/** What the doctor says of what is ours: pipes lie in a place that everybody on the host uses. */
async function complaints(): Promise<string[]> {
  const found: string[] = [];
  for await (const { kind, subject, detail } of client.doctor.check({}, { repair: false })) {
    if (kind !== "pipes-without-user" || subject.includes(namespace)) found.push(`${kind} ${subject}: ${detail}`);
  }
  return found;
}

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("after a Docker task", () => {
  const scope = new DisposeScope();
  let daemon: Berthd;
  let cli: Cli;

  const attend = (): void => {
    client = scope.use(connect({ address: daemon.address, namespace }));
    cli = createCli("berth", daemon, namespace);
  };
  beforeAll(async () => {
    engine = await startEngine(scope);
    namespace = freshNamespace(scope);
    daemon = await startBerthd(scope, { env: { DOCKER_HOST: engine.host } });
    attend();
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const containers = async (): Promise<string[]> =>
    (await engine.must(["ps", "-aq", "--no-trunc"])).split("\n").filter((id) => id !== "");

  test.each(LIVES)("that $name, nothing is left", async ({ name, live }) => {
    const id = `${namespace}-${name.replaceAll(" ", "-").slice(0, 40)}`;
    await live({
      id,
      run: (...args) => cli.run(args),
      containerId: async () => (await containers())[0] ?? "",
      restart: async () => {
        await daemon.kill();
        daemon = await daemon.restart();
        attend();
      },
    });
    // One that could not be made, or ran with --rm, has none any more.
    await cli.run(["c", "rm", id]);
    expect((await cli.run(["c", "ls", "-q"])).stdout).toBe("");
    expect((await cli.run(["t", "ls", "-q"])).stdout).toBe("");
    expect(await containers()).toEqual([]);
    expect(await findLeftovers(daemon, namespace, [id])).toEqual([]);
    expect(await complaints()).toEqual([]);
  });

  test("that runs with its streams open, the doctor has nothing to say of it", async () => {
    await using program = await cli.start([...RUN, "--rm", BUSYBOX, `${namespace}-cat`, "cat"]);
    program.write("there\n");
    await program.waitForOutput(/there/);
    expect(await complaints()).toEqual([]);
    program.endInput();
    expect(await program.result).toMatchObject({ code: 0 });
  });

  test("of a daemon that knows nothing of it, the doctor tells, and mends what bears the daemon's mark", async () => {
    const owner = (await readFile(join(daemon.rootDir, DOCKER, "owner"), "utf8")).trim();
    const labels = Object.entries({ owner, namespace, id: "lost" }).flatMap(([key, value]) => [
      "--label",
      `io.berth.${key}=${value}`,
    ]);
    const orphan = (await engine.must(["create", ...labels, BUSYBOX, "true"])).trim();
    const other = (await engine.must(["create", BUSYBOX, "true"])).trim();
    const bundles = ["lost", "left"].map((id) => join(daemon.stateDir, DOCKER, namespace, id));
    for (const bundle of bundles) await mkdir(bundle, { recursive: true });
    const short = orphan.slice(0, 12);
    expect(await complaints()).toEqual([
      `container-without-task container ${short}: marked as that of lost, which has no task or another`,
      `bundle-without-task ${bundles[1]}: no container belongs to it`,
      `bundle-without-task ${bundles[0]}: its container is there, container ${short}`,
    ]);
    const repaired: string[] = [];
    for await (const finding of client.doctor.check({}, { repair: true })) {
      if (finding.repaired) repaired.push(finding.kind);
    }
    expect(repaired).toEqual(["container-without-task", "bundle-without-task", "bundle-without-task"]);
    expect(await complaints()).toEqual([]);
    expect(await containers()).toEqual([other]);
    await engine.must(["rm", other]);
  });

  test("whose engine has ended, the doctor says so", async () => {
    await cli.run([...RUN, "-d", "--null-io", BUSYBOX, `${namespace}-away`, ...LONG]);
    await engine.kill9();
    expect(await complaints()).toEqual([
      expect.stringMatching(new RegExp(`^engine-unreachable ${engine.host}: .*; 1 task is there$`)),
    ]);
  });
});
