// LXD under the Tremplin service: how it is started, kept running, taken over, and given a new database.
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Logger, silentLogger } from "../../api/core/log.js";
import {
  StartLxdProgress_Status as Progress,
  type StartLxdProgress,
  StartLxdResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { moveAside } from "../../services/tremplin/lxd-database.js";
import { failureOf } from "../helpers/cros-tool-runner.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import {
  makeTremplinWorld,
  startTremplin,
  startTremplinProgram,
  type TestTremplin,
  type TremplinWorld,
} from "../helpers/tremplin.js";
import { until } from "../helpers/until.js";

const lacking = requires.root() || requires.binary("lxd");

/** Pid of the LXD that answers. */
async function lxdPid({ must }: Pick<TestTremplin, "must">): Promise<number> {
  const pid: unknown = JSON.parse(await must(["query", "/1.0"])).environment.server_pid;
  // A signal to 0 would be one to this test.
  if (typeof pid !== "number" || pid < 2) throw new Error(`no pid of LXD: ${pid}`);
  return pid;
}

/** Of the container's init. */
async function initPid({ must }: Pick<TestTremplin, "must">, name: string): Promise<number> {
  return JSON.parse(await must(["query", `/1.0/instances/${name}/state`])).pid;
}

const isAlive = (pid: number): Promise<boolean> =>
  stat(`/proc/${pid}`).then(
    () => true,
    () => false,
  );

/** What was told of starts of LXD, to the end of the last. */
async function startOf(tremplin: TestTremplin, resetLxdDb: boolean): Promise<StartLxdProgress[]> {
  tremplin.listener.clear();
  expect(await tremplin.startLxd({ resetLxdDb })).toMatchObject({ status: Status.STARTING, failureReason: "" });
  await tremplin.listener.until("updateStartLxdStatus", ({ status }) => status >= Progress.STARTED);
  return tremplin.listener.of("updateStartLxdStatus");
}

test.skipIf(lacking)("LXD is started once, with what containers need, and again when it dies", async () => {
  await using scope = new DisposeScope();
  const tremplin = await startTremplin(scope);
  const { listener, must } = tremplin;
  expect(listener.told).toMatchObject([{ method: "tremplinReady" }]);
  expect(await tremplin.getDebugInfo()).toMatchObject({ debugInformation: "LXD not running" });
  expect(await tremplin.hostNetworkChanged()).toBeDefined();

  // Whoever comes while it starts gets the same start.
  const answers = await Promise.all([tremplin.startLxd(), tremplin.startLxd()]);
  expect(answers.map(({ status }) => status)).toEqual([Status.STARTING, Status.STARTING]);
  await listener.until("updateStartLxdStatus");
  expect(await tremplin.startLxd()).toMatchObject({ status: Status.ALREADY_RUNNING, failureReason: "" });

  const profile = JSON.parse(await must(["query", "/1.0/profiles/default"]));
  expect(profile.config).toEqual({
    "boot.autostart": "false",
    "boot.host_shutdown_timeout": "9",
    "security.nesting": "true",
    "raw.idmap": [1000, 655360, 665357, 1001].map((id) => `uid ${id} ${id}\ngid ${id} ${id}`).join("\n"),
  });
  expect(profile.devices).toMatchObject({
    root: { type: "disk", path: "/", pool: "default" },
    eth0: { type: "nic", network: "lxdbr0", name: "eth0" },
    shared: { type: "disk", source: tremplin.sharedDir, path: "/mnt/chromeos" },
  });
  expect(JSON.parse(await must(["query", "/1.0/networks/lxdbr0"])).config["ipv4.address"]).toBe("100.115.92.193/28");

  expect((await tremplin.getDebugInfo()).debugInformation).toMatch(/^Error getting container log: .*not found/i);
  await tremplin.must(["image", "import", tremplin.image.unified, "--alias", LXD_BUSYBOX]);
  await must(["launch", LXD_BUSYBOX, "penguin"]);
  expect((await tremplin.getDebugInfo()).debugInformation).toMatch(/^(lxc penguin \d{14}|$)/);
  const init = await initPid(tremplin, "penguin");

  const pid = await lxdPid(tremplin);
  process.kill(pid, "SIGKILL");
  await until("another LXD", async () => (await lxdPid(tremplin)) !== pid);
  expect(await initPid(tremplin, "penguin")).toBe(init);
  expect(await tremplin.startLxd()).toMatchObject({ status: Status.ALREADY_RUNNING });
  // Neither the second caller nor the new LXD had a callback of its own.
  expect(listener.of("updateStartLxdStatus")).toMatchObject([{ status: Progress.STARTED, failureReason: "" }]);

  await must(["exec", "penguin", "--", "ip", "-6", "addr", "add", "fd00::5/64", "dev", "eth0"]);
  expect(await tremplin.hostNetworkChanged()).toBeDefined();
  const addresses = await must(["exec", "penguin", "--", "ip", "-6", "addr", "show", "dev", "eth0"]);
  expect(addresses).toContain("fe80::");
  expect(addresses).not.toContain("fd00::5");
});

test.skipIf(lacking)(
  "while LXD is away its containers cannot be listed; one that does not come back is left alone until it is asked for",
  async () => {
    await using scope = new DisposeScope();
    const world = await makeTremplinWorld(scope);
    const [program] = world.lxdCommand;
    const good = await readFile(program, "utf8");
    const tremplin = await startTremplin(scope, { world });
    await tremplin.up();

    const note = join(world.dir, "pid");
    await writeFile(program, `#!/bin/sh\necho $$ > ${note}\nexec sleep 600\n`);
    process.kill(await lxdPid(tremplin), "SIGKILL");
    const asleep = await until("one that does not answer", async () => {
      const [, pid] = /^(\d+)\n$/.exec(await readFile(note, "utf8")) ?? [];
      return pid !== undefined && Number(pid);
    });
    const failure = await failureOf(tremplin.hostNetworkChanged());
    expect(failure.code).toBe("INTERNAL");
    expect(failure.message).toMatch(/^failed to list containers: /);
    await writeFile(program, good);
    process.kill(asleep, "SIGKILL");
    const pid = await until("LXD", () => lxdPid(tremplin));

    await writeFile(program, "#!/bin/sh\nexit 1\n");
    process.kill(pid, "SIGKILL");
    await until(
      "the end of all tries",
      async () => (await tremplin.getDebugInfo()).debugInformation === "LXD not running",
    );
    await writeFile(program, good);
    expect(await startOf(tremplin, false)).toMatchObject([{ status: Progress.STARTED, failureReason: "" }]);
  },
);

test.skipIf(lacking).each([
  ["that is not there", "", /^Starting LXD failed: spawn \S+ ENOENT$/],
  ["that ends", 'echo "Error: no good" >&2\nexit 1\n', /^Starting LXD failed: no good$/],
])("a start of an LXD %s fails with the reason, and may be tried again", async (_, script, reason) => {
  await using scope = new DisposeScope();
  const world = await makeTremplinWorld(scope);
  const program = join(world.dir, "bad-lxd");
  if (script !== "") await writeFile(program, `#!/bin/sh\n${script}`, { mode: 0o755 });
  const tremplin = await startTremplin(scope, { world, lxdCommand: [program] });
  for (let i = 0; i < 2; i += 1) {
    expect(await startOf(tremplin, false)).toMatchObject([
      { status: Progress.FAILED, failureReason: expect.stringMatching(reason) },
    ]);
  }
  expect(await tremplin.getDebugInfo()).toMatchObject({ debugInformation: "LXD not running" });
});

test.skipIf(lacking)("a start that fails once LXD runs may be tried again, and LXD is one and the same", async () => {
  await using scope = new DisposeScope();
  const world = await makeTremplinWorld(scope);
  const blocked = join(world.dir, "blocked");
  await writeFile(blocked, "");
  const warnings: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
  const tremplin = await startTremplin(scope, { world, log, sharedDir: join(blocked, "shared") });
  expect(await startOf(tremplin, false)).toMatchObject([
    { status: Progress.FAILED, failureReason: expect.stringMatching(/^Starting LXD failed: ENOTDIR: not a directory/) },
  ]);
  const pid = await lxdPid(tremplin);
  await rm(blocked);
  expect(await startOf(tremplin, false)).toMatchObject([{ status: Progress.STARTED }]);
  expect(await lxdPid(tremplin)).toBe(pid);
  process.kill(pid, "SIGKILL");
  await until("another LXD", async () => (await lxdPid(tremplin)) !== pid);
  // Whoever looks after it has seen it end.
  expect(warnings.filter((message) => message === "lxd ended")).toHaveLength(1);
});

test.skipIf(lacking)(
  "a new database takes up the container that lies in storage; without one that does, the old one comes back",
  async () => {
    await using scope = new DisposeScope();
    const world = await makeTremplinWorld(scope);
    const { must, lxdDir } = world;
    /** A server whose LXD ends before the next one begins. */
    const during = async (work: (tremplin: TestTremplin) => Promise<void>): Promise<void> => {
      await using tremplin = await startTremplin(scope, { world });
      await work(tremplin);
    };
    const started = { status: Progress.STARTED, failureReason: "" };
    const recovering = { status: Progress.RECOVERING, failureReason: "" };

    let pids: number[] = [];
    await during(async (tremplin) => {
      await tremplin.up();
      await must(["launch", LXD_BUSYBOX, "penguin"]);
      await must(["exec", "penguin", "--", "sh", "-c", "echo kept > /home/file"]);
      pids = [await lxdPid(tremplin), await initPid(tremplin, "penguin")];
    });
    expect(await Promise.all(pids.map(isAlive))).toEqual([false, false]);

    await during(async (tremplin) => {
      expect(await startOf(tremplin, true)).toMatchObject([started]);
      expect(await must(["image", "list", "--format", "csv"])).toBe("");
      await must(["start", "penguin"]);
      // An exec has ended well here once without the output of its command.
      await until("what was kept", async () => (await must(["exec", "penguin", "--", "cat", "/home/file"])) === "kept");
      await stat(join(lxdDir, "database.old"));
      // What it needs from now on, a new database will not have.
      await must(["profile", "create", "extra"]);
      await must(["profile", "add", "penguin", "extra"]);
    });

    await during(async (tremplin) => {
      expect(await startOf(tremplin, true)).toMatchObject([recovering, started]);
      expect(await must(["list", "-c", "nP", "--format", "csv"])).toBe('penguin,"default\nextra"');
      await must(["profile", "remove", "penguin", "extra"]);
      await must(["image", "import", world.image.unified, "--alias", LXD_BUSYBOX]);
    });

    // As a server leaves it that is killed half-way.
    await moveAside(lxdDir);
    await during(async (tremplin) => {
      expect(await startOf(tremplin, false)).toMatchObject([recovering, started]);
      expect(await must(["image", "alias", "list", "--format", "csv"])).toContain(LXD_BUSYBOX);
    });

    const folder = join(lxdDir, "database", "global");
    for (const name of await readdir(folder)) await writeFile(join(folder, name), "damaged");
    await during(async (tremplin) => {
      expect(await startOf(tremplin, false)).toMatchObject([recovering, started]);
      expect(await must(["list", "-c", "n", "--format", "csv"])).toBe("penguin");
      await must(["delete", "penguin"]);
    });

    await during(async (tremplin) => {
      expect(await startOf(tremplin, true)).toMatchObject([started]);
      expect(await must(["list", "-c", "n", "--format", "csv"])).toBe("");
      await must(["image", "import", world.image.unified, "--alias", LXD_BUSYBOX]);
      await must(["launch", LXD_BUSYBOX, "penguin"]);
    });
  },
);

test.skipIf(lacking)(
  "LXD outlives a server that is killed; the next one takes it over, and ends it with its containers",
  async () => {
    await using scope = new DisposeScope();
    const world = await makeTremplinWorld(scope);
    const [lxd, init] = await killedServer(scope, world);
    expect(await lxdPid(world)).toBe(lxd);

    const next = await startTremplin(scope, { world });
    expect(await startOf(next, false)).toMatchObject([{ status: Progress.STARTED }]);
    expect(await next.startLxd()).toMatchObject({ status: Status.ALREADY_RUNNING });
    expect([await lxdPid(next), await initPid(next, "penguin")]).toEqual([lxd, init]);
    // One that is not its child is looked after just the same.
    process.kill(lxd, "SIGKILL");
    const last = await until("another LXD", async () => {
      const pid = await lxdPid(next);
      return pid !== lxd && pid;
    });
    expect(await initPid(next, "penguin")).toBe(init);
    await next[Symbol.asyncDispose]();
    expect([await isAlive(last), await isAlive(init)]).toEqual([false, false]);
  },
);

test.skipIf(lacking)(
  "an LXD that a killed server left is ended with its containers before its database is moved; SIGPWR ends all",
  async () => {
    await using scope = new DisposeScope();
    const world = await makeTremplinWorld(scope);
    const { must } = world;
    const left = await killedServer(scope, world);

    const next = await startTremplinProgram(scope, { world });
    expect(await startOf(next, true)).toMatchObject([{ status: Progress.STARTED }]);
    expect(await Promise.all(left.map(isAlive))).toEqual([false, false]);
    await must(["start", "penguin"]);
    const last = [await lxdPid(next), await initPid(next, "penguin")];
    next.program.signal("SIGPWR");
    expect(await next.program.result).toMatchObject({ code: 0 });
    expect(await Promise.all(last.map(isAlive))).toEqual([false, false]);
  },
);

/** @returns the pids of the LXD that it left and of the container's init. */
async function killedServer(scope: DisposeScope, world: TremplinWorld): Promise<[lxd: number, init: number]> {
  const server = await startTremplinProgram(scope, { world });
  await server.up();
  await world.must(["launch", LXD_BUSYBOX, "penguin"]);
  const pids: [number, number] = [await lxdPid(world), await initPid(world, "penguin")];
  await server.kill9();
  return pids;
}
