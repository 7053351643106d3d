// Containers that StartContainer starts: what it answers and tells, the token, privilege, and users that change their numbers.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  StartContainerRequest_PrivilegeLevel as Level,
  ContainerStartProgress_Status as Progress,
  type StartContainerRequest,
  type StartContainerResponse,
  StartContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { LxdServer } from "../../runtime/lxd/server.js";
import { getLxdInfo } from "../../runtime/lxd/setup.js";
import { systemTimers } from "../../services/tremplin/timers.js";
import { hang } from "../helpers/hang.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { ManualTimers } from "../helpers/manual-timers.js";
import { requires } from "../helpers/requires.js";
import { type EmbeddedTremplin, startTremplin } from "../helpers/tremplin.js";
import { until } from "../helpers/until.js";

const NAME = "penguin";
const HEARTBEAT_MS = 30_000;

describe.skipIf(requires.root() || requires.binary("lxd"))("StartContainer", () => {
  const scope = new DisposeScope();
  const periods = new ManualTimers();
  let tremplin: EmbeddedTremplin;

  beforeAll(async () => {
    // Heartbeats come when a test lets them; LXD's own start takes the time that it takes.
    const timers = { ...systemTimers, every: periods.every.bind(periods) };
    tremplin = await startTremplin(scope, { timers });
    await tremplin.up();
    await tremplin.createContainer({
      containerName: NAME,
      rootfsPath: tremplin.image.rootfs,
      metadataPath: tremplin.image.metadata,
    });
    await tremplin.listener.until("updateCreateStatus");
  });
  afterAll(() => scope[Symbol.asyncDispose]());
  afterEach(() => tremplin.listener.clear());

  const start = (request: Partial<StartContainerRequest> = {}): Promise<StartContainerResponse> =>
    tremplin.startContainer({ containerName: NAME, ...request });
  const progress = (): Progress[] => tremplin.listener.of("updateStartStatus").map(({ status }) => status);
  const ended = (containerName = NAME) =>
    tremplin.listener.until(
      "updateStartStatus",
      (news) => news.containerName === containerName && news.status !== Progress.STARTING,
    );
  /** The answer has to be `status`, and STARTED has to be told. */
  const startWhole = async (status: Status, request: Partial<StartContainerRequest> = {}): Promise<void> => {
    tremplin.listener.clear();
    expect(await start(request)).toMatchObject({ status, failureReason: "" });
    expect(await ended(request.containerName)).toMatchObject({ status: Progress.STARTED, failureReason: "" });
  };
  const inside = (...command: readonly string[]): Promise<string> => tremplin.must(["exec", NAME, "--", ...command]);
  const kill = async (): Promise<void> => {
    await tremplin.must(["stop", "--force", NAME]);
    await tremplin.listener.until("containerShutdown");
  };
  const rootfs = (name: string): string => join(tremplin.lxdDir, "storage-pools/default/containers", name, "rootfs");
  /** Owner of the container's root, outside. */
  const rootOwner = async (name = NAME): Promise<number> => {
    const { stdout } = await tremplin.box.run(["stat", "-c", "%u", rootfs(name)]);
    return Number(stdout);
  };
  const instances = async (): Promise<string> => await tremplin.must(["list", "--format", "csv", "--columns", "n"]);

  test("knows what is not there", async () => {
    for (const containerName of ["nobody", "penguin-crostini-remap"]) {
      const { status, failureReason } = await start({ containerName });
      expect(status).toBe(Status.FAILED);
      expect(failureReason).toContain(containerName);
    }
    expect(progress()).toEqual([]);
  });

  test("refuses a privilege level that stands for nothing", async () => {
    expect(await start({ privilegeLevel: 7 as Level })).toMatchObject({
      status: Status.FAILED,
      failureReason: "bad privilege level value: 7",
    });
    expect(progress()).toEqual([]);
  });

  test("says which system it has, and ends with STARTED, a task and a mark", async () => {
    const response = await start({ token: "secret", async: true });
    expect(response).toMatchObject({
      status: Status.STARTING,
      failureReason: "",
      osRelease: {
        prettyName: "Berth Test 1",
        name: "Berth Test",
        version: "1 (one)",
        versionId: "1",
        id: "berthtest",
      },
    });
    expect(await ended()).toMatchObject({ status: Progress.STARTED, containerName: NAME, failureReason: "" });
    expect(progress()).toEqual([Progress.STARTED]);
    expect(await tremplin.must(["config", "get", NAME, "user.tremplin.finished"])).toBe("true");
    const task = await tremplin.client.tasks.get({}, NAME, "");
    expect(task.status).toBe("running");
    expect(task.pid).toBeGreaterThan(1);
    expect((await tremplin.client.containers.get({}, NAME)).labels).toEqual({
      "tremplin.created": "true",
      "tremplin.finished": "true",
    });
  });

  test("shows the token inside, to everybody there and nobody outside", async () => {
    expect(await inside("cat", "/dev/.container_token")).toBe("secret");
    expect(await tremplin.must(["exec", NAME, "--user", "1000", "--", "cat", "/dev/.container_token"])).toBe("secret");
    const { mode } = await stat(join(tremplin.dir, "state/tokens"));
    expect(mode & 0o077).toBe(0);
  });

  describe("of what runs", () => {
    test("answers RUNNING and tells nothing", async () => {
      expect(await start()).toMatchObject({ status: Status.RUNNING, failureReason: "" });
      expect(progress()).toEqual([]);
    });

    test("refuses a privilege level that stands for nothing", async () => {
      expect(await start({ privilegeLevel: -3 as Level })).toMatchObject({
        status: Status.FAILED,
        failureReason: "bad privilege level value: -3",
      });
    });

    test("stores the privilege level for the next start", async () => {
      const { pid } = await tremplin.client.tasks.get({}, NAME, "");
      expect(await start({ privilegeLevel: Level.PRIVILEGED })).toMatchObject({ status: Status.RUNNING });
      expect(await tremplin.must(["config", "get", NAME, "security.privileged"])).toBe("true");
      expect((await tremplin.client.tasks.get({}, NAME, "")).pid).toBe(pid);
      expect(progress()).toEqual([]);
    });
  });

  test("takes away devices and the token of the run before", async () => {
    await tremplin.must(["config", "set", NAME, "security.privileged", "false"]);
    await kill();
    await until("the end of the token", () =>
      stat(join(tremplin.dir, `state/tokens/${NAME}_token`)).then(
        () => false,
        () => true,
      ),
    );
    await tremplin.must(["config", "device", "add", NAME, "left", "disk", `source=${tremplin.dir}`, "path=/mnt/left"]);
    await startWhole(Status.STARTING);
    expect(await tremplin.must(["config", "device", "list", NAME])).toBe("");
    const look = await tremplin.run(["exec", NAME, "--", "ls", "/dev/.container_token"]);
    expect(look.code).not.toBe(0);
    await kill();
  });

  test("gives users other numbers in a copy, and tells that it is at it", async () => {
    await startWhole(Status.STARTING);
    await inside("sh", "-c", "echo kept > /root/kept && chown 1000:1000 /root/kept");
    expect(await rootOwner()).toBe(1_000_000);
    await kill();
    tremplin.listener.clear();
    expect(await start({ privilegeLevel: Level.PRIVILEGED, token: "other" })).toMatchObject({
      status: Status.REMAPPING,
      failureReason: "",
      osRelease: { id: "berthtest" },
    });
    // A copy, two starts, a stop and two renames are ahead.
    await periods.advance(HEARTBEAT_MS - 1);
    expect(progress()).toEqual([]);
    await periods.advance(1);
    await periods.advance(HEARTBEAT_MS);
    expect(await ended()).toMatchObject({ status: Progress.STARTED });
    await periods.advance(HEARTBEAT_MS);
    expect(progress()).toEqual([Progress.STARTING, Progress.STARTING, Progress.STARTED]);
    expect(await rootOwner()).toBe(0);
    expect(await inside("stat", "-c", "%u", "/root/kept")).toBe("1000");
    expect(await inside("cat", "/dev/.container_token")).toBe("other");
    expect(tremplin.listener.of("containerShutdown")).toEqual([]);
    expect((await tremplin.client.containers.list({})).map(({ id }) => id)).toEqual([NAME]);
    await kill();
  });

  test("does so once", async () => {
    await startWhole(Status.STARTING);
    await kill();
  });

  test("begins again where that was cut short", async () => {
    const containerName = "other";
    await tremplin.must(["init", LXD_BUSYBOX, containerName, "--config", "security.privileged=true"]);
    await tremplin.must(["start", containerName]);
    await tremplin.must(["stop", "--force", containerName]);
    await tremplin.must(["rename", containerName, "other-crostini-recover"]);
    await tremplin.must(["init", LXD_BUSYBOX, "other-crostini-remap"]);
    await startWhole(Status.REMAPPING, { containerName, privilegeLevel: Level.UNPRIVILEGED });
    expect(await rootOwner(containerName)).toBe(1_000_000);
    await tremplin.must(["delete", "--force", containerName]);
    // What it was before may still be on its way out, and does not come back.
    expect(await start({ containerName })).toMatchObject({ status: Status.FAILED });
  });

  test("tells that it is still at it for as long as LXD takes", async () => {
    const server = scope.use(new LxdServer({ socketPath: join(tremplin.lxdDir, "unix.socket") }));
    const { server_pid: pid } = (await getLxdInfo(server)).environment;
    expect(await start()).toMatchObject({ status: Status.STARTING });
    await hang(pid);
    try {
      for (let beats = 1; beats <= 3; beats += 1) {
        await periods.advance(HEARTBEAT_MS);
        await until("a heartbeat", () => progress().length === beats);
      }
      expect(progress()).toEqual([Progress.STARTING, Progress.STARTING, Progress.STARTING]);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    expect(await ended()).toMatchObject({ status: Progress.STARTED });
    expect(progress().at(-1)).toBe(Progress.STARTED);
    await kill();
  });

  test("says why a container does not start, and leaves no task", async () => {
    await tremplin.must(["config", "set", NAME, "raw.lxc", "lxc.init.cmd = /no/init"]);
    expect(await start()).toMatchObject({ status: Status.STARTING });
    const { status, failureReason } = await ended();
    expect(status).toBe(Progress.FAILED);
    expect(failureReason).toMatch(/^failed to start container: ./);
    expect(progress()).toEqual([Progress.FAILED]);
    await expect(tremplin.client.tasks.get({}, NAME, "")).rejects.toMatchObject({ kind: "not_found" });
    // LXD is not through with it yet.
    await until("the end of it", () => tremplin.must(["config", "unset", NAME, "raw.lxc"]).then(() => true));
  });

  test("starts what says nothing of its system", async () => {
    await tremplin.box.run(["rm", join(rootfs(NAME), "etc/os-release")]);
    expect(await start()).toMatchObject({ status: Status.STARTING, osRelease: undefined });
    expect(await ended()).toMatchObject({ status: Progress.STARTED });
  });

  test("says nothing of a level that it cannot store", async () => {
    await tremplin.must(["project", "set", "default", "restricted", "true"]);
    const { status, failureReason } = await start({ privilegeLevel: Level.UNPRIVILEGED });
    await tremplin.must(["project", "set", "default", "restricted", "false"]);
    expect(status).toBe(Status.FAILED);
    expect(failureReason).toMatch(/^failed to set privilege level: ./);
  });

  test("keeps no copies", async () => {
    await until("the end of what they were before", async () => (await instances()) === NAME);
  });
});
