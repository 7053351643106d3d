// What the Tremplin service watches by itself: the ports on which containers listen, and what is plugged into the USB ports that they
// have. Time is moved by the test; LXD and its containers are real, the USB is made up, with device numbers that the kernel has.
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  AttachUsbToContainerResponse_Status as Attach,
  ContainerDeletionProgress_Status as Delete,
  DetachUsbFromContainerResponse_Status as Detach,
  ContainerStartProgress_Status as Start,
} from "../../api/gen/vm_tools/tremplin.js";
import { systemTimers } from "../../services/tremplin/timers.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { ManualTimers } from "../helpers/manual-timers.js";
import { requires } from "../helpers/requires.js";
import {
  type EmbeddedTremplin,
  makeTremplinWorld,
  startTremplin,
  type TremplinOptions,
  type TremplinWorld,
} from "../helpers/tremplin.js";
import { until } from "../helpers/until.js";
import { makeUsbTree, type UsbTree } from "../helpers/usb-tree.js";

const SECOND_MS = 1_000;
const REFRESH_MS = 60_000;
/** Kernel devices that every machine has. */
const NULL = { subsystem: "usb", name: "bus/usb/001/004", numbers: "1:3" };
const ZERO = { subsystem: "tty", name: "ttyUSB0", numbers: "1:5", at: "1-2:1.0/ttyUSB0/tty/ttyUSB0" };
const LOOP = { subsystem: "block", name: "sdz", numbers: "7:0", at: "1-2:1.1/host0/block/sdz" };

describe.skipIf(requires.root() || requires.binary("lxd"))("the Tremplin service watches", () => {
  const scope = new DisposeScope();
  /** Periods and the time are the test's; pauses, with which LXD is started, are the system's. */
  const manual = new ManualTimers();
  const timers = {
    now: () => manual.now(),
    every: (periodMs: number, work: () => void) => manual.every(periodMs, work),
    sleep: systemTimers.sleep,
  };
  let world: TremplinWorld;
  let usb: UsbTree;
  let tremplin: EmbeddedTremplin;

  const start = async (options: TremplinOptions = {}): Promise<EmbeddedTremplin> => {
    const started = await startTremplin(scope, { world, timers, sysDir: usb.dir, ...options });
    await started.up();
    return started;
  };
  const inside = async (name: string, ...command: string[]): Promise<string> =>
    await world.must(["exec", name, "--", ...command]);
  /** Lets seconds pass until the probe has an answer. */
  const passing = <T>(what: string, probe: () => T | Promise<T>): ReturnType<typeof until<T>> =>
    until(what, async () => {
      await manual.advance(SECOND_MS);
      return await probe();
    });

  beforeAll(async () => {
    world = await makeTremplinWorld(scope);
    usb = await makeUsbTree(join(world.dir, "sys"));
    tremplin = await start();
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  describe("listening ports", () => {
    type Ports = Readonly<Record<string, readonly number[]>>;
    const pictures = (): Ports[] =>
      world.listener
        .of("updateListeningPorts")
        .map(({ containerPorts }) =>
          Object.fromEntries([...containerPorts].map(([name, ports]) => [name, ports.listeningTcp4Ports])),
        );
    let last: Ports = {};
    /** What is told until it is as wanted: without what was told before, which is repeated when seconds go by quickly. */
    const untilPicture = async (wanted: Ports): Promise<Ports[]> => {
      world.listener.clear();
      await passing(`ports ${JSON.stringify(wanted)}`, () => {
        expect(pictures().at(-1)).toEqual(wanted);
        return true;
      });
      const before = [last, ...pictures()];
      last = wanted;
      return pictures().filter((picture, at) => !isDeepStrictEqual(picture, before[at]));
    };

    test("and tells once a minute that there are none", async () => {
      world.listener.clear();
      const startedAtMs = manual.now();
      await passing("the first picture", () => pictures().length > 0);
      expect(pictures()).toEqual([{}]);
      expect(manual.now() - startedAtMs).toBeGreaterThanOrEqual(REFRESH_MS);
    });

    test("and tells of all containers that run, when one of them changes", async () => {
      for (const name of ["penguin", "other", "asleep"]) await world.must(["launch", LXD_BUSYBOX, name]);
      await world.must(["stop", "--force", "asleep"]);
      await untilPicture({ other: [], penguin: [] });
      await inside("penguin", "httpd", "-p", "127.0.0.1:8080");
      expect(await untilPicture({ other: [], penguin: [8080] })).toHaveLength(1);
      await inside("other", "httpd", "-p", "[::]:81");
      expect(await untilPicture({ other: [81], penguin: [8080] })).toHaveLength(1);
      await inside("penguin", "httpd", "-p", "[::1]:82");
      expect(await untilPicture({ other: [81], penguin: [82, 8080] })).toHaveLength(1);
    });

    test("and tells what it told, a minute later", async () => {
      world.listener.clear();
      const beginMs = manual.now();
      // An address of the network is nobody's business.
      const address = await until("an address", async () => {
        const text = await world.must(["list", "penguin", "-c4", "--format", "csv"]);
        return /^[\d.]+/.exec(text)?.[0];
      });
      await inside("penguin", "httpd", "-p", `${address}:83`);
      await passing("the next picture", () => pictures().length > 0);
      expect(pictures()).toEqual([{ other: [81], penguin: [82, 8080] }]);
      expect(manual.now() - beginMs).toBeGreaterThan(REFRESH_MS / 2);
    });

    test("of a container that has stopped, and of one that has another init, no more", async () => {
      await world.must(["stop", "--force", "other"]);
      expect(await untilPicture({ penguin: [82, 8080] })).toHaveLength(1);
      await world.must(["restart", "--force", "penguin"]);
      await untilPicture({ penguin: [] });
    });

    test("also after LXD was killed, without a wrong picture meanwhile", async () => {
      await inside("penguin", "httpd", "-p", "8080");
      await untilPicture({ penguin: [8080] });
      world.listener.clear();
      process.kill(await lxdPid(world), "SIGKILL");
      await until("LXD to be back", async () => (await world.run(["list"])).code === 0);
      await inside("penguin", "httpd", "-p", "8081");
      await passing("the new port", () => pictures().at(-1)?.["penguin"]?.includes(8081));
      expect(pictures().every((picture) => picture["penguin"]?.includes(8080))).toBe(true);
    });
  });

  describe("USB", () => {
    const attach = (portNum: number, containerName: string) =>
      tremplin.attachUsbToContainer({ portNum, containerName });
    const detach = (portNum: number) => tremplin.detachUsbFromContainer({ portNum });
    const devicesOf = async (name: string): Promise<string[]> =>
      (await world.must(["config", "device", "list", name])).split("\n").filter((line) => line !== "");
    const nodesOf = (name: string) =>
      inside(name, "sh", "-c", "stat -c '%n %F %t:%T %a' /dev/bus/usb/*/* /dev/tty[U]* /dev/sd* 2>&-; true");

    test("and has none without a controller", async () => {
      const failureReason = "USB manager not ready";
      expect(await attach(1, "penguin")).toMatchObject({ status: Attach.FAILED, failureReason });
      expect(await detach(1)).toMatchObject({ status: Detach.FAILED, failureReason });
      await usb.addHub({ bus: 1, speed: 480, ports: 2 });
      await usb.addHub({ bus: 2, speed: 5000, ports: 2 });
    });

    test.each([0, 5, -1])("and port %i is none", async (port) => {
      const failureReason = `Invalid port number ${port}`;
      expect(await attach(port, "penguin")).toMatchObject({ status: Attach.FAILED, failureReason });
      expect(await detach(port)).toMatchObject({ status: Detach.FAILED, failureReason });
    });

    test.each(["gone", "../penguin", ""])("and container %j is none", async (name) => {
      expect(await attach(1, name)).toMatchObject({
        status: Attach.NO_SUCH_CONTAINER,
        failureReason: expect.stringContaining(`Failed to get container ${JSON.stringify(name)}: `),
      });
      expect(await detach(1)).toMatchObject({ status: Detach.OK, failureReason: "" });
    });

    test("a container gets what is plugged in, and what is later", async () => {
      await usb.plug("1-2", [NULL]);
      expect(await attach(2, "penguin")).toMatchObject({ status: Attach.OK, failureReason: "" });
      const first = "/dev/bus/usb/001/004 character special file 1:3 666";
      expect(await nodesOf("penguin")).toBe(first);
      await inside("penguin", "sh", "-c", "echo gone > /dev/bus/usb/001/004");
      await usb.plug("1-2", [ZERO, LOOP]);
      await passing("the rest of it", async () => (await devicesOf("penguin")).length === 3);
      expect(await nodesOf("penguin")).toBe(
        `${first}\n/dev/ttyUSB0 character special file 1:5 666\n/dev/sdz block special file 7:0 666`,
      );
      expect(await inside("penguin", "sh", "-c", "head -c 3 /dev/ttyUSB0 | wc -c")).toBe("3");
    });

    test("what somebody takes out of it comes back", async () => {
      await world.must(["config", "device", "remove", "penguin", "tremplin-usb-2-c1-5"]);
      await passing("the device", async () => (await devicesOf("penguin")).length === 3);
    });

    test("a port goes to another container, running or not, and is taken from the first", async () => {
      expect(await attach(2, "asleep")).toMatchObject({ status: Attach.OK });
      expect(await devicesOf("penguin")).toEqual([]);
      expect(await nodesOf("penguin")).toBe("");
      expect(await devicesOf("asleep")).toHaveLength(3);
      // A start takes away what was added to the container, but for this.
      await tremplin.startContainer({ containerName: "asleep" });
      await world.listener.until("updateStartStatus", ({ status }) => status === Start.STARTED);
      expect(await nodesOf("asleep")).toContain("/dev/ttyUSB0 character special file 1:5 666");
    });

    test("a service that is started anew goes on with it, and the last device that goes frees the port", async () => {
      await tremplin[Symbol.asyncDispose]();
      tremplin = await start();
      for (const name of ["penguin", "asleep"]) await world.must(["start", name]).catch(() => "it runs");
      await usb.unplug("1-2");
      await passing("its devices to go", async () => (await devicesOf("asleep")).length === 0);
      await usb.plug("1-2", [NULL]);
      // Another port's news, which come no earlier than this one's would.
      await usb.plug("2-1", [{ ...ZERO, at: "." }]);
      expect(await attach(3, "penguin")).toMatchObject({ status: Attach.OK });
      await usb.plug("2-1", [{ ...LOOP, at: "2-1:1.1/block/sdz" }]);
      await passing("the disk", async () => (await devicesOf("penguin")).length === 2);
      expect(await devicesOf("asleep")).toEqual([]);
    });

    test("is taken away on demand", async () => {
      expect(await detach(3)).toMatchObject({ status: Detach.OK, failureReason: "" });
      expect(await devicesOf("penguin")).toEqual([]);
      expect(await detach(3)).toMatchObject({ status: Detach.OK, failureReason: "" });
    });

    test("becomes free with its container", async () => {
      expect(await attach(2, "asleep")).toMatchObject({ status: Attach.OK });
      expect(await attach(3, "penguin")).toMatchObject({ status: Attach.OK });
      await world.must(["delete", "--force", "asleep"]);
      await usb.plug("2-1", [{ ...NULL, at: "2-1:1.2", numbers: "1:7", name: "bus/usb/002/009" }]);
      await passing("the other port's news", async () => (await devicesOf("penguin")).length === 3);
      await world.must(["launch", LXD_BUSYBOX, "asleep"]);
      await usb.plug("2-1", [{ ...NULL, at: "2-1:1.3", numbers: "1:8", name: "bus/usb/002/010" }]);
      await passing("the other port's news", async () => (await devicesOf("penguin")).length === 4);
      expect(await devicesOf("asleep")).toEqual([]);
      await tremplin.deleteContainer({ containerName: "penguin" });
      await world.listener.until("updateDeletionStatus", ({ status }) => status === Delete.DELETED);
      await world.must(["init", LXD_BUSYBOX, "penguin"]);
      expect(await attach(2, "asleep")).toMatchObject({ status: Attach.OK });
      await usb.plug("1-2", [{ ...LOOP, numbers: "7:1" }]);
      await passing("the other port's news", async () => (await devicesOf("asleep")).length === 2);
      expect(await devicesOf("penguin")).toEqual([]);
      await world.must(["delete", "--force", "penguin", "asleep"]);
      expect(await detach(3)).toMatchObject({ status: Detach.OK });
    });
  });
});

async function lxdPid(world: TremplinWorld): Promise<number> {
  return Number(/server_pid: (\d+)/.exec(await world.must(["info"]))?.[1]);
}
