// UpgradeContainer and CancelUpgradeContainer, with scripts in place of the one that ChromeOS brings into its containers.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  CancelUpgradeContainerResponse_Status as Cancelled,
  UpgradeContainerProgress_Status as Progress,
  UpgradeContainerResponse_Status as Status,
  UpgradeContainerRequest_Version as Version,
} from "../../api/gen/vm_tools/tremplin.js";
import { type Inside, insideOf } from "../helpers/inside.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { ManualTimers } from "../helpers/manual-timers.js";
import { requires } from "../helpers/requires.js";
import { type EmbeddedTremplin, startTremplin } from "../helpers/tremplin.js";
import { until } from "../helpers/until.js";

const NAME = "penguin";
const SCRIPT = "/opt/google/cros-containers/bin/upgrade_container";
const TO_BULLSEYE = { containerName: NAME, targetVersion: Version.DEBIAN_BULLSEYE };
const osRelease = (versionId: string): string =>
  `ID=debian\nVERSION_ID="${versionId}"\nPRETTY_NAME="Debian ${versionId}"\n`;

describe.skipIf(requires.root() || requires.binary("lxd"))("upgrades of containers", () => {
  const scope = new DisposeScope();
  const timers = new ManualTimers();
  let tremplin: EmbeddedTremplin;
  let run: Inside;

  beforeAll(async () => {
    tremplin = await startTremplin(scope, { timers });
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({
      status: Status.FAILED,
      failureReason: "LXD is not running",
    });
    await tremplin.up();
    run = insideOf(scope, tremplin.lxdDir);
    await tremplin.must(["launch", LXD_BUSYBOX, NAME]);
    await tremplin.must(["init", LXD_BUSYBOX, "stopped"]);
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  const inside = (script: string, ...args: string[]): Promise<string> =>
    run(NAME, ["sh", "-ec", script, "sh", ...args]);
  const setScript = (text: string): Promise<string> =>
    inside(`mkdir -p \${1%/*}; printf '#!/bin/sh\\n%s\\n' "$2" > $1; chmod 755 $1`, SCRIPT, text);
  const setSystem = (text: string): Promise<string> => inside('printf %s "$1" > /etc/os-release', text);
  const progress = () => tremplin.listener.of("upgradeContainerStatus");
  const end = () => tremplin.listener.until("upgradeContainerStatus", ({ status }) => status !== Progress.IN_PROGRESS);
  const isRunning = async (word: string): Promise<boolean> =>
    (await inside("ps -o args")).split("\n").some((line) => line.includes(word) && !line.includes("ps -o"));

  beforeEach(async () => {
    await setSystem(osRelease("10"));
    await inside("rm -rf /opt /told");
    tremplin.listener.clear();
  });

  test("run the script with the name of the target, and tell what it prints", async () => {
    await setScript(
      `echo "$# $*" > /told; echo one; echo two >&2; sed -i s/10/11/g /etc/os-release; cat; printf three`,
    );
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({ status: Status.STARTED, failureReason: "" });
    await end();
    expect(progress()).toMatchObject([
      {
        containerName: NAME,
        status: Progress.SUCCEEDED,
        progressMessages: ["one", "two", "three"],
        failureReason: "",
      },
    ]);
    expect(await inside("cat /told")).toBe("1 DEBIAN_BULLSEYE");
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({ status: Status.ALREADY_UPGRADED });
    expect(await tremplin.cancelUpgradeContainer({ containerName: NAME })).toMatchObject({
      status: Cancelled.NOT_RUNNING,
    });
  });

  test("are told of now and then while they go on, and one goes on at a time", async () => {
    await setScript("echo one; echo two; while [ ! -e /go ]; do sleep 0.1; done; rm /go; echo three");
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({ status: Status.STARTED });
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({
      status: Status.ALREADY_RUNNING,
      failureReason: "",
    });
    const linesTold = (): string[] => progress().flatMap(({ progressMessages }) => progressMessages);
    expect(linesTold()).toEqual([]);
    await until("two lines", async () => {
      await timers.advance(1_000);
      return linesTold().length === 2;
    });
    // Nothing new is nothing to tell.
    const before = progress().length;
    await timers.advance(10_000);
    expect(progress()).toHaveLength(before);
    await inside("touch /go");
    expect(await end()).toMatchObject({ status: Progress.SUCCEEDED, progressMessages: ["three"] });
    expect(linesTold()).toEqual(["one", "two", "three"]);
    expect(
      progress()
        .slice(0, -1)
        .every(({ status }) => status === Progress.IN_PROGRESS),
    ).toBe(true);
    const after = progress().length;
    await timers.advance(10_000);
    expect(progress()).toHaveLength(after);
  });

  test("tell at once when there is much to tell, and nothing is lost", async () => {
    await setScript("seq 1 1234");
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({ status: Status.STARTED });
    await end();
    expect(progress().map(({ progressMessages }) => progressMessages.length)).toEqual([500, 500, 234]);
    expect(progress().flatMap(({ progressMessages }) => progressMessages)).toEqual(
      Array.from({ length: 1234 }, (_, index) => `${index + 1}`),
    );
  });

  test.each([
    ["says why", "echo before; echo no space left >&2; exit 7", "the upgrade ended with status 7: no space left"],
    ["says nothing", "exit 1", "the upgrade ended with status 1: it said nothing"],
    ["is killed", "echo x; kill -9 $$", "the upgrade ended with status 137: x"],
  ])("fail with a script that %s", async (_, script, failureReason) => {
    await setScript(script);
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({ status: Status.STARTED });
    expect(await end()).toMatchObject({ containerName: NAME, status: Progress.FAILED, failureReason });
    expect(progress()).toHaveLength(1);
  });

  test.each([
    ["asked to end", "sleep 1111 & echo begun; sleep 1112"],
    ["killed when it does not hear", "trap '' TERM; sleep 1111 & echo begun; while :; do sleep 1112; done"],
  ])("are cancelled: the script is %s, with what it has started", async (_, script) => {
    await setScript(script);
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({ status: Status.STARTED });
    await until("the script", () => isRunning("sleep 1112"));
    expect(await tremplin.cancelUpgradeContainer({ containerName: NAME })).toMatchObject({
      status: Cancelled.CANCELLED,
      failureReason: "",
    });
    expect(progress()).toMatchObject([
      { status: Progress.FAILED, progressMessages: ["begun"], failureReason: "the upgrade was cancelled" },
    ]);
    for (const word of ["sleep 111", "upgrade_container"]) expect(await isRunning(word)).toBe(false);
    expect(await tremplin.cancelUpgradeContainer({ containerName: NAME })).toMatchObject({
      status: Cancelled.NOT_RUNNING,
    });
  });

  test("end with the container", async () => {
    await setScript("echo begun; sleep 1113");
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({ status: Status.STARTED });
    await until("the script", () => isRunning("sleep 1113"));
    await tremplin.must(["stop", "--force", NAME]);
    expect(await end()).toMatchObject({ status: Progress.FAILED, progressMessages: ["begun"] });
    await tremplin.must(["start", NAME]);
  });

  test("go on when the listener does not hear of them", async () => {
    await setScript("seq 1 600; touch /told");
    tremplin.listener.refuse(true);
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({ status: Status.STARTED });
    await end();
    tremplin.listener.refuse(false);
    expect(await inside("ls /told")).toBe("/told");
  });

  test.each([
    ["not Debian", 'ID=arch\nPRETTY_NAME="Arch Linux"\n', Version.DEBIAN_BULLSEYE, "it has Arch Linux, not Debian"],
    ["newer than that", osRelease("12"), Version.DEBIAN_BULLSEYE, "its Debian 12 is newer than DEBIAN_BULLSEYE"],
    ["to become nothing known", osRelease("10"), 77, "version 77 is unknown"],
    ["to become nothing", osRelease("10"), Version.UNKNOWN, "version 0 is unknown"],
  ])("are not for a container that is %s", async (_, system, targetVersion, failureReason) => {
    await setScript("touch /told");
    await setSystem(system);
    const answer = await tremplin.upgradeContainer({ containerName: NAME, targetVersion: targetVersion as Version });
    expect(answer).toMatchObject({ status: Status.NOT_SUPPORTED, failureReason });
    expect(progress()).toEqual([]);
  });

  test("cannot begin without a script, a running container, a container, a name", async () => {
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({
      status: Status.FAILED,
      failureReason: `container ${NAME} has no ${SCRIPT}`,
    });
    const files = ["file", "push", "-", "stopped/etc/os-release"];
    await tremplin.must(files, { input: osRelease("10") });
    expect(await tremplin.upgradeContainer({ ...TO_BULLSEYE, containerName: "stopped" })).toMatchObject({
      status: Status.FAILED,
      failureReason: "container stopped is not running, its status is Stopped",
    });
    expect(await tremplin.upgradeContainer({ ...TO_BULLSEYE, containerName: "gone" })).toMatchObject({
      status: Status.FAILED,
      failureReason: "files of instance gone: Instance not found",
    });
    const { status, failureReason } = await tremplin.upgradeContainer({ ...TO_BULLSEYE, containerName: "../x" });
    expect(status).toBe(Status.FAILED);
    expect(failureReason).toContain("bad container name");
    expect(progress()).toEqual([]);
  });

  test("end with the service, whose last words reach the listener", async () => {
    await setScript("echo begun; sleep 1114");
    expect(await tremplin.upgradeContainer(TO_BULLSEYE)).toMatchObject({ status: Status.STARTED });
    await until("the script", () => isRunning("sleep 1114"));
    await tremplin[Symbol.asyncDispose]();
    expect(progress()).toMatchObject([
      { status: Progress.FAILED, progressMessages: ["begun"], failureReason: "the upgrade was cancelled" },
    ]);
  });
});
