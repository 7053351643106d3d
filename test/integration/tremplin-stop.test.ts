// Containers that stop, for whatever reason, and what is told of them: StopContainer, DeleteContainer, GetContainerInfo, shutdowns, and
// the records in the store of the daemon.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  ContainerDeletionProgress_Status as Deleted,
  DeleteContainerResponse_Status as DeleteStatus,
  GetContainerInfoResponse,
  GetContainerInfoResponse_Status as InfoStatus,
  ContainerStopProgress_Status as Progress,
  ContainerStartProgress_Status as Started,
  StopContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { initListens, LXD_BUSYBOX } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import { type EmbeddedTremplin, startTremplin } from "../helpers/tremplin.js";
import { until } from "../helpers/until.js";

const NAME = "penguin";

describe.skipIf(requires.root() || requires.binary("lxd"))("a container", () => {
  const scope = new DisposeScope();
  let tremplin: EmbeddedTremplin;
  let berth: Cli;

  beforeAll(async () => {
    tremplin = await startTremplin(scope);
    await tremplin.up();
    berth = createCli("berth", { address: `${tremplin.dir}/b.sock` }, "tremplin");
    await tremplin.must(["init", LXD_BUSYBOX, NAME]);
  });
  afterAll(() => scope[Symbol.asyncDispose]());
  afterEach(() => tremplin.listener.clear());

  const start = async (containerName = NAME): Promise<void> => {
    await tremplin.startContainer({ containerName });
    expect(await tremplin.listener.until("updateStartStatus")).toMatchObject({
      status: Started.STARTED,
      failureReason: "",
    });
    tremplin.listener.clear();
  };
  const stop = (containerName = NAME) => tremplin.stopContainer({ containerName });
  const stops = (): Progress[] => tremplin.listener.of("updateStopStatus").map(({ status }) => status);
  const shutdowns = (): string[] => tremplin.listener.of("containerShutdown").map((news) => news.containerName);
  const taskStatus = (id = NAME) =>
    tremplin.client.tasks.get({}, id, "").then(
      ({ status }) => status,
      () => "none",
    );
  const records = async (): Promise<string[]> => (await tremplin.client.containers.list({})).map(({ id }) => id);
  /** Of a deed that only ends when LXD has said so: what has been told by then is all there will be. */
  const settled = () => until("no task", async () => (await taskStatus()) === "none");

  describe("and StopContainer", () => {
    test("that is not there", async () => {
      for (const name of ["nobody", "..", "penguin-crostini-remap"]) {
        expect(await stop(name)).toMatchObject({ status: Status.DOES_NOT_EXIST });
      }
      expect(stops()).toEqual([]);
    });

    test("that does not run", async () => {
      expect(await stop()).toMatchObject({ status: Status.STOPPED, failureReason: "" });
      expect(stops()).toEqual([]);
    });

    test("that runs", async () => {
      await start();
      expect(await stop()).toMatchObject({ status: Status.STOPPING, failureReason: "" });
      const last = await tremplin.listener.until("updateStopStatus", ({ status }) => status !== Progress.STOPPING);
      expect(last).toMatchObject({ status: Progress.STOPPED, containerName: NAME, failureReason: "" });
      await tremplin.listener.until("containerShutdown");
      await settled();
      expect(stops()).toEqual([Progress.STOPPING, Progress.STOPPED]);
      expect(shutdowns()).toEqual([NAME]);
      expect(await records()).toEqual([NAME]);
    });

    test("that is frozen", async () => {
      await start();
      await tremplin.must(["pause", NAME]);
      expect(await stop()).toMatchObject({ status: Status.STOPPING });
      await tremplin.listener.until("updateStopStatus", ({ status }) => status === Progress.STOPPED);
      await tremplin.listener.until("containerShutdown");
      await settled();
      expect(shutdowns()).toEqual([NAME]);
    });

    test("that somebody else started", async () => {
      await tremplin.must(["start", NAME]);
      await until("its task", async () => (await taskStatus()) === "running");
      expect(await stop()).toMatchObject({ status: Status.STOPPING });
      await tremplin.listener.until("updateStopStatus", ({ status }) => status === Progress.STOPPED);
      await tremplin.listener.until("containerShutdown");
      await settled();
      expect(stops()).toEqual([Progress.STOPPING, Progress.STOPPED]);
      expect(shutdowns()).toEqual([NAME]);
    });
  });

  describe("whose end nobody asked the service for", () => {
    test.each<{ what: string; end: () => Promise<unknown> }>([
      { what: "from inside", end: () => tremplin.run(["exec", NAME, "--", "poweroff", "-f"]) },
      { what: "asked by LXD's client", end: () => tremplin.must(["stop", NAME]) },
      { what: "forced by LXD's client", end: () => tremplin.must(["stop", "--force", NAME]) },
      {
        what: "by a client of the daemon",
        end: () => berth.run(["tasks", "kill", "--signal", "SIGKILL", NAME]),
      },
    ])("is told, $what", async ({ end }) => {
      await start();
      await initListens(tremplin, NAME);
      await end();
      expect(await tremplin.listener.until("containerShutdown")).toMatchObject({ containerName: NAME });
      await settled();
      expect(shutdowns()).toEqual([NAME]);
      expect(stops()).toEqual([]);
      expect(await records()).toEqual([NAME]);
    });
  });

  describe("and GetContainerInfo", () => {
    const info = (containerName: string) => tremplin.getContainerInfo({ containerName });

    test("that is not there", async () => {
      for (const name of ["nobody", "", ".."]) {
        expect(await info(name)).toMatchObject({ status: InfoStatus.NOT_FOUND, ipv4Address: 0 });
      }
    });

    test("that does not run", async () => {
      expect(await info(NAME)).toMatchObject({
        status: InfoStatus.STOPPED,
        failureReason: "container not running, status is: 102",
      });
    });

    test("that runs has its address in the order of the network", async () => {
      await start();
      const running = await until("an address", async () => {
        const answer = await info(NAME);
        expect(answer).toMatchObject({ status: InfoStatus.RUNNING, failureReason: "" });
        return answer.ipv4Address !== 0 && answer;
      });
      const address = (await tremplin.must(["list", NAME, "--format", "csv", "--columns", "4"])).split(" ")[0] ?? "";
      const bytes = Buffer.from(address.split(".").map(Number));
      const wire = Buffer.from(GetContainerInfoResponse.encode(running).finish());
      expect(wire.subarray(-4)).toEqual(bytes);
      expect(wire.subarray(-4, -2)).toEqual(Buffer.from([100, 115]));
      await tremplin.must(["stop", "--force", NAME]);
    });

    test("that has no network", async () => {
      await tremplin.must(["profile", "create", "bare"]);
      await tremplin.must(["profile", "device", "add", "bare", "root", "disk", "path=/", "pool=default"]);
      await tremplin.must(["launch", LXD_BUSYBOX, "lonely", "--profile", "bare"]);
      const { status, failureReason } = await info("lonely");
      expect(status).toBe(InfoStatus.FAILED);
      expect(failureReason).toContain("eth0");
      await tremplin.must(["delete", "--force", "lonely"]);
    });
  });

  describe("of LXD's client", () => {
    test("has a record under the name that it has, until it goes", async () => {
      await tremplin.must(["init", LXD_BUSYBOX, "one"]);
      await until("its record", async () => (await records()).join() === "one,penguin");
      await tremplin.must(["rename", "one", "two"]);
      await until("its new record", async () => (await records()).join() === "penguin,two");
      await tremplin.must(["start", "two"]);
      await until("its task", async () => (await taskStatus("two")) === "running");
      await tremplin.must(["delete", "--force", "two"]);
      await until("the end of its record", async () => (await records()).join() === "penguin");
      expect(await taskStatus("two")).toBe("none");
    });

    test("has none under a name of the service's own", async () => {
      await tremplin.must(["init", LXD_BUSYBOX, "rootfs-import"]);
      await tremplin.must(["init", LXD_BUSYBOX, "last"]);
      await until("the record of the last", async () => (await records()).includes("last"));
      expect(await records()).toEqual(["last", NAME]);
      await tremplin.must(["delete", "last", "rootfs-import"]);
    });
  });

  test("is seen on the socket of the daemon, with its task", async () => {
    await start();
    const containers = await berth.run(["containers", "ls"]);
    expect(containers.stdout).toMatch(/penguin\s+\S+\s+io\.berth\.lxd\.v1/);
    const tasks = await berth.run(["tasks", "ls"]);
    expect(tasks.stdout).toMatch(/penguin\s+\d+\s+RUNNING/);
  });

  test("that runs is killed by DeleteContainer and goes", async () => {
    expect(await taskStatus()).toBe("running");
    expect(await tremplin.deleteContainer({ containerName: NAME })).toMatchObject({ status: DeleteStatus.DELETING });
    const last = await tremplin.listener.until("updateDeletionStatus");
    expect(last).toMatchObject({ status: Deleted.DELETED, containerName: NAME, failureReason: "" });
    await tremplin.listener.until("containerShutdown");
    expect(await records()).toEqual([]);
    expect(shutdowns()).toEqual([NAME]);
    expect(tremplin.listener.of("updateDeletionStatus")).toHaveLength(1);
    expect(stops()).toEqual([]);
    expect(await tremplin.must(["list", "--format", "csv"])).toBe("");
  });

  test("whose end comes while LXD is away is told as well", async () => {
    await tremplin.must(["init", LXD_BUSYBOX, NAME]);
    await start();
    const { pid } = await tremplin.client.tasks.get({}, NAME, "");
    const lxdPid = Number(
      await tremplin.must(["query", "/1.0"]).then((text) => JSON.parse(text).environment.server_pid),
    );
    process.kill(lxdPid, "SIGKILL");
    process.kill(pid, "SIGKILL");
    expect(await tremplin.listener.until("containerShutdown")).toMatchObject({ containerName: NAME });
    await settled();
    expect(shutdowns()).toEqual([NAME]);
    // An LXD whose container ends while it starts may die of that, and leave a dnsmasq behind that nobody has written down.
    tremplin.listener.clear();
    await start();
  });
});
