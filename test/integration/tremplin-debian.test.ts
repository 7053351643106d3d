// Users and time zones of a Debian with systemd, which its own tools judge. Its image takes the longest of all: what busybox can show
// is in the files beside this one.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  GetContainerUsernameResponse_Status as Lookup,
  StartContainerResponse_Status as Started,
  ContainerStartProgress_Status as StartProgress,
  SetUpUserResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { makeDebianImage } from "../helpers/debian-image.js";
import { type Inside, insideOf } from "../helpers/inside.js";
import { requires } from "../helpers/requires.js";
import { type EmbeddedTremplin, startTremplin } from "../helpers/tremplin.js";
import { until } from "../helpers/until.js";

const NAME = "penguin";
const LIST = "/etc/apt/sources.list.d/cros.list";

describe.skipIf(requires.root() || requires.binary("lxd") || requires.debian())("a Debian", () => {
  const scope = new DisposeScope();
  let tremplin: EmbeddedTremplin;
  let run: Inside;

  beforeAll(async () => {
    tremplin = await startTremplin(scope, { milestone: 120 });
    const making = makeDebianImage(join(tremplin.dir, "debian"));
    await tremplin.up();
    run = insideOf(scope, tremplin.lxdDir);
    await tremplin.must(["image", "import", await making, "--alias", "debian"]);
    await tremplin.must(["init", "debian", NAME]);
  }, 300_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  const inside = (...command: [string, ...string[]]): Promise<string> => run(NAME, command);
  const zoneOf = (): Promise<string> => inside("timedatectl", "show", "--property=Timezone", "--value");

  test("gets its user before it is started for the first time", async () => {
    const names = { containerName: NAME, containerUsername: "jane" };
    expect(await tremplin.getContainerUsername({ containerName: NAME })).toMatchObject({
      status: Lookup.USER_NOT_FOUND,
    });
    for (const _ of [1, 2]) {
      expect(await tremplin.setUpUser(names)).toMatchObject({ status: Status.SUCCESS, username: "jane" });
    }
    expect(await tremplin.getContainerUsername({ containerName: NAME })).toMatchObject({
      status: Lookup.SUCCESS,
      username: "jane",
      homedir: "/home/jane",
    });
  });

  test("tells what it is at its start, and gets the list of this milestone's packages", async () => {
    await tremplin.must(["file", "push", "-", `${NAME}${LIST}`, "--mode", "600"], { input: "deb old list\n" });
    expect(await tremplin.startContainer({ containerName: NAME })).toMatchObject({
      status: Started.STARTING,
      osRelease: {
        prettyName: "Debian GNU/Linux 12 (bookworm)",
        name: "Debian GNU/Linux",
        version: "12 (bookworm)",
        versionId: "12",
        id: "debian",
      },
    });
    await tremplin.listener.until("updateStartStatus", ({ status }) => status === StartProgress.STARTED);
    expect(await inside("cat", LIST)).toBe("deb https://storage.googleapis.com/cros-packages/120 bookworm main");
    expect(await inside("stat", "-c", "%a %U", LIST)).toBe("644 root");
    await until("systemd", async () => {
      const { stdout } = await tremplin.run(["exec", NAME, "--", "systemctl", "is-system-running", "--wait"]);
      return /^(running|degraded)$/m.test(stdout);
    });
  }, 120_000);

  test("finds no fault with its files of accounts", async () => {
    const text = await inside("sh", "-c", "pwck --read-only --quiet || true");
    // Homes of users that no package has brought are Debian's own business.
    expect(text.split("\n").filter((line) => /jane|chronos|android|shadow/.test(line))).toEqual([]);
    expect(await inside("grpck", "--read-only")).toBe("");
    expect(await inside("stat", "-c", "%a %U %G", "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")).toBe(
      "644 root root\n640 root shadow\n644 root root\n640 root shadow",
    );
  });

  test("knows the user, its groups and those of the host", async () => {
    expect(await inside("id", "-Gn", "jane")).toBe(
      "jane dialout cdrom floppy sudo audio video plugdev users chronos-access android-everybody",
    );
    expect(await inside("getent", "passwd", "1000", "1001", "655360", "665357")).toBe(
      "jane:x:1000:1000::/home/jane:/bin/bash\nchronos-access:x:1001:1001::/dev/null:/bin/false\n" +
        "android-root:x:655360:655360::/dev/null:/bin/false\nandroid-everybody:x:665357:665357::/dev/null:/bin/false",
    );
    expect(await inside("passwd", "--status", "jane")).toMatch(/^jane L .* 0 99999 7 -1$/);
    expect(await inside("su", "-", "jane", "-c", "pwd; touch mine; ls -A")).toBe(
      "/home/jane\n.bash_logout\n.bashrc\n.profile\nmine",
    );
    // Without systemd-logind nobody reads it yet, which takes more packages than the test.
    expect(await inside("ls", "/var/lib/systemd/linger")).toBe("jane");
  });

  test("is given a user of another name by its own tools, who stays", async () => {
    await inside("usermod", "--login", "joe", "--home", "/home/joe", "--move-home", "jane");
    const answer = await tremplin.setUpUser({ containerName: NAME, containerUsername: "jane" });
    expect(answer).toMatchObject({ status: Status.SUCCESS, username: "joe" });
    expect(await inside("grpck", "--read-only")).toBe("");
    expect(await inside("id", "-un", "1000")).toBe("joe");
  });

  test("goes to another time zone while it runs", async () => {
    expect(await zoneOf()).toBe("Etc/UTC");
    const request = { timezoneName: "Europe/Berlin", posixTzString: "CET-1CEST", containerNames: [NAME] };
    expect(await tremplin.setTimezone(request)).toMatchObject({ successes: 1, failureReasons: [] });
    expect(await zoneOf()).toBe("Europe/Berlin");
    expect(await inside("readlink", "/etc/localtime")).toMatch(/Europe\/Berlin$/);
    expect(await tremplin.must(["config", "get", NAME, "environment.TZ"])).toBe("");
  });

  test("is given a zone that it does not know as a variable, until it knows one", async () => {
    const unknown = { timezoneName: "Nowhere/Here", posixTzString: "XYZ-5", containerNames: [NAME] };
    expect(await tremplin.setTimezone(unknown)).toMatchObject({ successes: 1, failureReasons: [] });
    expect(await zoneOf()).toBe("Europe/Berlin");
    expect(await inside("date", "+%Z %z")).toBe("XYZ +0500");
    const known = { ...unknown, timezoneName: "Asia/Tokyo" };
    expect(await tremplin.setTimezone(known)).toMatchObject({ successes: 1, failureReasons: [] });
    expect(await tremplin.must(["config", "get", NAME, "environment.TZ"])).toBe("");
    expect(await inside("date", "+%Z %z")).toBe("JST +0900");
  });

  test("says why it has no such zone", async () => {
    const request = { timezoneName: "Nowhere/Here", containerNames: [NAME, "gone"] };
    expect(await tremplin.setTimezone(request)).toMatchObject({
      successes: 0,
      failureReasons: [
        `container ${NAME}: timedatectl ended with status 1: Failed to set time zone: Invalid or not installed time zone 'Nowhere/Here'`,
        "could not get container gone: look at instance gone: Instance not found",
      ],
    });
    expect(await zoneOf()).toBe("Asia/Tokyo");
  });

  test("is told nothing that is no zone", async () => {
    const options = { timezoneName: "--help", containerNames: [NAME] };
    expect((await tremplin.setTimezone(options)).failureReasons).toEqual([
      `container ${NAME}: bad name of a time zone`,
    ]);
  });
});
