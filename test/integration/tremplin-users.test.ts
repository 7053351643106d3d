// GetContainerUsername and SetUpUser on containers whose files of accounts are of all sorts, running and stopped.
import { mkdir, rm, writeFile as writeHostFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  GetContainerUsernameResponse_Status as Lookup,
  SetUpUserResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { type Inside, insideOf } from "../helpers/inside.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { type EmbeddedTremplin, startTremplin } from "../helpers/tremplin.js";

const NAME = "web";
const TODAY = /^\d{5}$/;
const ROOT = {
  passwd: "root:x:0:0:root:/root:/bin/sh\n",
  shadow: "root:*:19000:0:99999:7:::\n",
  group: "root:x:0:\nshadow:x:42:\nsudo:x:27:\nvideo:x:44:joe\n",
  gshadow: "root:*::\nshadow:*::\nsudo:*::\nvideo:*::joe\n",
};
const FOREIGN = `${ROOT.passwd}mallory:x:1000:1000::/home/mallory:/bin/sh\n`;
type File = keyof typeof ROOT;

describe.skipIf(requires.root() || requires.binary("lxd"))("users of containers", () => {
  const scope = new DisposeScope();
  let tremplin: EmbeddedTremplin;
  let inside: Inside;
  /** Of the container, which does not run. */
  let rootfs: string;
  /** What no container may lead us to. */
  let foreign: string;

  beforeAll(async () => {
    tremplin = await startTremplin(scope);
    expect(await tremplin.setUpUser({ containerName: NAME, containerUsername: "jane" })).toMatchObject({
      status: Status.FAILED,
      failureReason: "LXD is not running",
    });
    expect(await tremplin.getContainerUsername({ containerName: NAME })).toMatchObject({
      status: Lookup.FAILED,
      failureReason: "LXD is not running",
    });
    await tremplin.up();
    inside = insideOf(scope, tremplin.lxdDir);
    await tremplin.must(["init", LXD_BUSYBOX, NAME]);
    await tremplin.must(["launch", LXD_BUSYBOX, "alive"]);
    rootfs = join(tremplin.lxdDir, "containers", NAME, "rootfs");
    foreign = join(tremplin.dir, "foreign");
    await writeHostFile(foreign, FOREIGN);
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  /** A command outside, on the stopped container's files. `$1` is its root, `$2` a file outside. */
  const outside = async (script: string): Promise<string> => {
    const { code, stdout, stderr } = await runProgram("sh", ["-ec", script, "sh", rootfs, foreign]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout;
  };
  const etc = (file: string): string => join(rootfs, "etc", file);
  const read = async (file: File): Promise<string> => await outside(`cat "$1/etc/${file}"`);
  const setUp = (containerUsername: string, containerName = NAME) =>
    tremplin.setUpUser({ containerName, containerUsername });
  const lookUp = (containerName = NAME) => tremplin.getContainerUsername({ containerName });
  const all = async () => ({
    passwd: await read("passwd"),
    shadow: await read("shadow"),
    group: await read("group"),
    gshadow: await read("gshadow"),
  });

  beforeEach(async () => {
    for (const path of ["etc/skel", "home", "var/lib"]) await rm(join(rootfs, path), { recursive: true, force: true });
    await mkdir(join(rootfs, "home"));
    for (const [file, text] of Object.entries(ROOT)) {
      await rm(etc(file), { recursive: true, force: true });
      await writeHostFile(etc(file), text);
    }
  });

  describe("GetContainerUsername", () => {
    test("finds user 1000, with the home that is written there", async () => {
      await writeHostFile(etc("passwd"), `${ROOT.passwd}joe:x:1000:7:J,,,:/srv/joe:/bin/sh\n`);
      expect(await lookUp()).toMatchObject({
        status: Lookup.SUCCESS,
        username: "joe",
        homedir: "/srv/joe",
        failureReason: "",
      });
    });

    test("finds it in a container that runs", async () => {
      const line = "jim:x:1000:1000::/home/jim:/bin/sh";
      await inside("alive", ["sh", "-c", `echo ${line} >> /etc/passwd`]);
      expect(await lookUp("alive")).toMatchObject({ status: Lookup.SUCCESS, username: "jim", homedir: "/home/jim" });
    });

    test("finds nobody", async () => {
      expect(await lookUp()).toMatchObject({
        status: Lookup.USER_NOT_FOUND,
        username: "",
        homedir: "",
        failureReason: "failed to find user for uid",
      });
    });

    test.each(["nobody", "no_name", "../web", ""])("finds no container %j", async (name) => {
      const { status, failureReason } = await lookUp(name);
      expect(status).toBe(/^[a-z]+$/.test(name) ? Lookup.CONTAINER_NOT_FOUND : Lookup.FAILED);
      expect(failureReason).not.toBe("");
    });

    test.each([
      ["is not there", "", "no such file or directory"],
      ["has no root", 'echo x:x:1000:1000::/:/bin/sh > "$1/etc/passwd"', "/etc/passwd has no root"],
      ["is a folder", 'mkdir "$1/etc/passwd"', "/etc/passwd is no file"],
      ["is a pipe that nobody writes to", 'mkfifo "$1/etc/passwd"', "/etc/passwd is no file"],
      ["is no text", 'printf "root:\\377\\n" > "$1/etc/passwd"', "/etc/passwd is not UTF-8"],
      ["is too long", 'head -c 2000000 /dev/zero > "$1/etc/passwd"', "/etc/passwd is longer than 1048576 bytes"],
      ["leads out of the container", 'ln -s "$2" "$1/etc/passwd"', "no such file or directory"],
      [
        "leads out of it step by step",
        'ln -s "../../../../../../../../..$2" "$1/etc/passwd"',
        "no such file or directory",
      ],
      ["leads to itself", 'ln -s passwd "$1/etc/passwd"', "/etc/passwd"],
    ])("says why, when passwd %s", async (_, script, reason) => {
      await outside(`rm "$1/etc/passwd"; ${script}`);
      const { status, failureReason } = await lookUp();
      expect(status).toBe(Lookup.FAILED);
      expect(failureReason).toMatch(/^failed to get container passwd db: /);
      expect(failureReason).toContain(reason);
    });
  });

  describe("SetUpUser", () => {
    test("makes the user and those of the host, once", async () => {
      expect(await setUp("jane")).toMatchObject({ status: Status.SUCCESS, username: "jane", failureReason: "" });
      const made = await all();
      const [, day = ""] = /^jane:!:(\d+):/m.exec(made.shadow) ?? [];
      expect(day).toMatch(TODAY);
      const secret = (name: string): string => `${name}:!:${day}:0:99999:7:::\n`;
      expect(made).toEqual({
        passwd:
          `${ROOT.passwd}jane:x:1000:1000::/home/jane:/bin/bash\n` +
          "chronos-access:x:1001:1001::/dev/null:/bin/false\n" +
          "android-everybody:x:665357:665357::/dev/null:/bin/false\n" +
          "android-root:x:655360:655360::/dev/null:/bin/false\n",
        shadow: ROOT.shadow + ["jane", "chronos-access", "android-everybody", "android-root"].map(secret).join(""),
        group:
          "root:x:0:\nshadow:x:42:\nsudo:x:27:jane\nvideo:x:44:joe,jane\njane:x:1000:\n" +
          "chronos-access:x:1001:jane\nandroid-everybody:x:665357:jane\nandroid-root:x:655360:\n",
        gshadow:
          "root:*::\nshadow:*::\nsudo:*::jane\nvideo:*::joe,jane\njane:!::\n" +
          "chronos-access:!::jane\nandroid-everybody:!::jane\nandroid-root:!::\n",
      });
      expect(await setUp("other")).toMatchObject({ status: Status.SUCCESS, username: "jane" });
      expect(await all()).toEqual(made);
      expect(await lookUp()).toMatchObject({ username: "jane", homedir: "/home/jane" });
    });

    test("works in a container that runs", async () => {
      const alive = (script: string): Promise<string> => inside("alive", ["sh", "-ec", script]);
      await alive(
        "for file in shadow gshadow; do echo 'root:*::' > /etc/$file; done; mkdir /etc/skel; echo hello > /etc/skel/.profile",
      );
      expect(await setUp("jim", "alive")).toMatchObject({ status: Status.SUCCESS, username: "jim" });
      expect(
        await alive("id jim; stat -c '%a %u %g' /etc/shadow /home/jim /home/jim/.profile; cat /home/jim/.profile"),
      ).toBe(
        "uid=1000(jim) gid=1000(jim) groups=1000(jim),1001(chronos-access),665357(android-everybody)\n" +
          "640 0 0\n755 1000 1000\n644 1000 1000\nhello",
      );
    });

    test.each(["passwd", "shadow", "group", "gshadow"])("changes nothing without %s", async (file) => {
      await outside(`rm "$1/etc/${file}"`);
      const { status, failureReason, username } = await setUp("jane");
      expect({ status, username }).toEqual({ status: Status.UNKNOWN, username: "" });
      expect(failureReason).toMatch(/^failed to get container passwd db: .*no such file or directory$/);
      const others = Object.keys(ROOT).filter((each) => each !== file);
      for (const other of others) expect(await read(other as File)).toBe(ROOT[other as File]);
      expect(await outside('ls -A "$1/home"')).toBe("");
    });

    test("says that there is no such container", async () => {
      const { status, failureReason } = await setUp("jane", "nobody");
      expect({ status, failureReason }).toEqual({
        status: Status.UNKNOWN,
        failureReason: "failed to get container passwd db: files of instance nobody: Instance not found",
      });
      expect(await setUp("jane", "../web")).toMatchObject({ status: Status.FAILED });
    });

    test.each([
      "",
      "jane\nroot",
      "jane:x",
      "../jane",
      "/jane",
      "a/b",
      ".",
      "..",
      "-jane",
      "1000",
      "android-root",
      "root",
    ])("refuses the name %j and changes nothing", async (name) => {
      const { status, failureReason, username } = await setUp(name);
      expect({ status, username }).toEqual({ status: Status.FAILED, username: "" });
      expect(failureReason).toMatch(/user name|^\$USERNAME has number 0$/);
      expect(await all()).toEqual(ROOT);
      expect(await outside('ls -A "$1/home"; ls "$1/etc"')).not.toMatch(/jane|-new/);
    });

    test("keeps whoever is there already, whatever was asked for", async () => {
      const joe = "joe+doe:x:1000:1000:Joe,,,:/srv/joe:/bin/zsh\n";
      await writeHostFile(etc("passwd"), ROOT.passwd + joe);
      expect(await setUp("jane:x")).toMatchObject({ status: Status.SUCCESS, username: "joe+doe" });
      expect(await read("passwd")).toContain(joe);
      expect(await read("group")).toContain("sudo:x:27:joe+doe\n");
      // A home elsewhere is not ours to make.
      expect(await outside('ls -A "$1/home"; ls "$1/srv" 2>/dev/null || echo none')).toBe("none\n");
    });

    test("names nobody in its reasons", async () => {
      await writeHostFile(etc("passwd"), `${ROOT.passwd}jane:x:0:0::/root:/bin/sh\n`);
      expect(await setUp("jane")).toMatchObject({ status: Status.FAILED, failureReason: "$USERNAME has number 0" });
      await writeHostFile(etc("passwd"), ROOT.passwd);
      await outside('rm -r "$1/home"; ln -s /nowhere "$1/home"');
      const { status, failureReason } = await setUp("jane");
      expect(status).toBe(Status.FAILED);
      expect(failureReason).toContain("/home");
      expect(failureReason).not.toContain("jane");
      await outside('rm "$1/home"');
    });

    test("gives the files to those who should have them", async () => {
      await outside('cd "$1/etc"; chown 5:6 passwd shadow group gshadow; chmod 666 passwd shadow group gshadow');
      expect(await setUp("jane")).toMatchObject({ status: Status.SUCCESS });
      const owners = 'cd "$1/etc"; stat -c "%n %a %u %g" passwd shadow group gshadow';
      const right = "passwd 644 0 0\nshadow 640 0 42\ngroup 644 0 0\ngshadow 640 0 42\n";
      expect(await outside(owners)).toBe(right);
      await outside('chmod 777 "$1/etc/passwd" "$1/etc/gshadow"');
      expect(await setUp("jane")).toMatchObject({ status: Status.SUCCESS });
      expect(await outside(owners)).toBe(right);
      await writeHostFile(etc("group"), "root:x:0:\n");
      expect(await setUp("jane")).toMatchObject({ status: Status.SUCCESS });
      expect(await outside('stat -c "%a %u %g" "$1/etc/shadow"')).toBe("640 0 0\n");
    });

    test("writes nothing through links", async () => {
      await outside(
        'cd "$1/etc"; mv passwd passwd.real; ln -s passwd.real passwd; ln -s "$2" group.berth-new; ln -s "$2" shadow.berth-new',
      );
      expect(await setUp("jane")).toMatchObject({ status: Status.SUCCESS });
      expect(await outside('cat "$2"')).toBe(FOREIGN);
      expect(await outside('cat "$1/etc/passwd.real"; rm "$1/etc/passwd.real"')).toBe(ROOT.passwd);
      expect(await outside('stat -c %F "$1/etc/passwd"; ls "$1/etc"')).toMatch(/^regular file\n(?!.*-new)/s);
    });

    test("fills a home with what every home begins with", async () => {
      await outside(`mkdir -p "$1/etc/skel/.config/deep"; cd "$1/etc/skel"; echo profile > .profile; chmod 600 .profile
        head -c 100000 /dev/zero > .config/deep/large; chmod 700 .config; ln -s .profile link; ln -s "$2" out; mkfifo pipe`);
      // Somebody was killed at the same.
      await outside('mkdir -p "$1/home/.jane.new/old"; echo x > "$1/home/.jane.new/old/file"');
      expect(await setUp("jane")).toMatchObject({ status: Status.SUCCESS });
      const paths = ". .profile .config .config/deep .config/deep/large link out";
      expect(
        await outside(
          `cd "$1/home/jane"; stat -c "%n %F %a %u %g %s" $(echo ${paths}) | sed "s/ [0-9]*$//;/link/s/ [0-9].*//"`,
        ),
      ).toBe(
        ". directory 755 1000 1000\n.profile regular file 600 1000 1000\n.config directory 700 1000 1000\n" +
          ".config/deep directory 755 1000 1000\n.config/deep/large regular file 644 1000 1000\nlink symbolic link\nout symbolic link\n",
      );
      expect(await outside('cd "$1/home"; ls -A; cat jane/link; stat -c %s jane/.config/deep/large; ls -A jane')).toBe(
        "jane\nprofile\n100000\n.config\n.profile\nlink\nout\n",
      );
      expect(await outside('cat "$2"')).toBe(FOREIGN);
    });

    test("leaves a home that is there as it is", async () => {
      await outside(
        'mkdir -p "$1/etc/skel" "$1/home/jane"; touch "$1/etc/skel/new" "$1/home/jane/mine"; chmod 700 "$1/home/jane"',
      );
      expect(await setUp("jane")).toMatchObject({ status: Status.SUCCESS });
      expect(await outside('ls -A "$1/home" "$1/home/jane"; stat -c %a "$1/home/jane"')).toContain("mine\n700\n");
    });

    test("puts a home in the place of what is none", async () => {
      await outside('echo file > "$1/home/jane"');
      expect(await setUp("jane")).toMatchObject({ status: Status.SUCCESS });
      expect(await outside('stat -c "%F %a %u" "$1/home/jane"')).toBe("directory 755 1000\n");
    });

    test("lets the user's services start with the container", async () => {
      expect(await setUp("jane")).toMatchObject({ status: Status.SUCCESS });
      expect(await outside('cd "$1/var/lib/systemd"; stat -c "%n %F %a %u %g" linger linger/jane')).toBe(
        "linger directory 755 0 0\nlinger/jane regular empty file 644 0 0\n",
      );
    });

    test("does the same for many who ask at once", async () => {
      const answers = await Promise.all(["jane", "joe", "jim"].map((name) => setUp(name)));
      expect(new Set(answers.map(({ username }) => username)).size).toBe(1);
      expect(answers.every(({ status }) => status === Status.SUCCESS)).toBe(true);
      expect((await read("passwd")).trim().split("\n")).toHaveLength(5);
    });
  });
});
