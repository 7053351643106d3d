// Images: imported, listed, named, labelled, checked, exported, mounted, converted, run on both snapshotters, and what is refused.
// The archives lie in the corner's `rootfs` folder, see images.test.ts.
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../helpers/program.js";
import { type Answer, type Corner, command, type Step, sh, shout, story } from "../step.js";

const maskDate = (text: string): string => text.replace(/import-\d{4}-\d\d-\d\d/g, "import-DATE");
const image = (...args: string[]): Step => command(["i", ...args], maskDate);
const imported = (archive: string, ...flags: string[]): Step =>
  command(({ rootfs }) => ["i", "import", ...flags, join(rootfs, archive)], maskDate);

/** Exports and tells the digest of the archive, and what tar lists of it. */
const exported = (...args: string[]): Step =>
  story(`i export ${args.join(" ")}`, async ({ cli }) => {
    const dir = await mkdtemp(join(tmpdir(), "berth-export-"));
    try {
      const flags = args.filter((arg) => arg.startsWith("--") || arg.includes("linux/"));
      const names = args.filter((arg) => !flags.includes(arg));
      const result = await cli.run(["i", "export", ...flags, join(dir, "out.tar"), ...names]);
      if (result.code !== 0) return result;
      const digest = createHash("sha256")
        .update(await readFile(join(dir, "out.tar")))
        .digest("hex");
      const listed = await runProgram("tar", ["-tvf", join(dir, "out.tar")]);
      return { ...result, stdout: `${result.stdout}${digest}\n${listed.stdout}` };
    } finally {
      await rm(dir, { recursive: true });
    }
  });

/** Mounts an image, looks into it, and takes the mount away. */
const mountedImage = (...flags: string[]): Step =>
  story(`i mount ${flags.join(" ")}`, async ({ cli }) => {
    const dir = await mkdtemp(join(tmpdir(), "berth-mount-"));
    const snapshotter = flags.filter((_, at) => flags[at] === "--snapshotter" || flags[at - 1] === "--snapshotter");
    const answers = [await cli.run(["i", "mount", ...flags, "example.com/app:1", dir])];
    answers.push(await runProgram("cat", [join(dir, "etc/group")]));
    answers.push(await runProgram("/bin/sh", ["-c", 'echo x > "$0" && echo written', join(dir, "new")]));
    answers.push(await cli.run(["i", "unmount", ...snapshotter, "--rm", dir]));
    await rmdir(dir);
    return joined(answers, dir);
  });

const joined = (answers: readonly Answer[], dir: string): Answer => ({
  code: answers.find(({ code }) => code !== 0)?.code ?? 0,
  stdout: answers.map(({ stdout }) => stdout.replaceAll(dir, "TARGET")).join("---\n"),
  stderr: answers.map(({ stderr }) => stderr.replaceAll(dir, "TARGET")).join(""),
});

/** The digests that a container's record names, and the process it gets. */
const info = (id: string): Step => command(["c", "info", id]);

const onSnapshotter = (snapshotter: string): Step[] => {
  const run = (...args: string[]): Step => command(["run", "--rm", "--snapshotter", snapshotter, ...args]);
  return [
    run("example.com/app:1", "i1"),
    run("example.com/app:1", "i1", ...shout("pwd; echo $A; id", 4)),
    run("--env", "A=2", "--env", "B=3", "--cwd", "/etc", "example.com/app:1", "i1", ...shout("pwd; echo $A$B")),
    run("--read-only", "example.com/root:1", "i1", ...sh("echo x > /x")),
    run("example.com/root:1", "i1", ...shout("id; echo x > /x && cat /x; ls /x")),
    run("example.com/root:1", "i1", "/bin/not-there"),
    run("example.com/ghost:1", "i2", "/bin/id"),
    command(["c", "create", "--snapshotter", snapshotter, "--label", "own=1", "example.com/app:1", "c-app"]),
    command(["c", "create", "--snapshotter", snapshotter, "example.com/app:1", "c-app"]),
    info("c-app"),
    command(["t", "start", "c-app"]),
    command(["c", "rm", "c-app"]),
    command([
      "run",
      "-d",
      "--snapshotter",
      snapshotter,
      "example.com/root:1",
      "d1",
      ...sh("echo on > /here; sleep 1000"),
    ]),
    command(["c", "rm", "d1"]),
    command(["t", "exec", "--exec-id", "e", "--user", "0", "d1", "/bin/id", "-u"]),
    command(["t", "rm", "-f", "d1"]),
    command(["c", "rm", "d1"]),
    command(["c", "ls"]),
    mountedImage("--snapshotter", snapshotter),
    mountedImage("--snapshotter", snapshotter, "--rw"),
  ];
};

export const images: readonly Step[] = [
  image("ls"),
  image("check"),
  image("ls", "-q"),
  imported("multi.tar"),
  imported("multi.tar"),
  imported("docker.tar"),
  imported("tag.tar"),
  imported("tag.tar", "--base-name", "example.com/based"),
  imported("tag.tar", "--base-name", "example.com/other", "--digests"),
  imported("app.tar", "--index-name", "example.com/index:1"),
  imported("root.tar", "--no-unpack"),
  imported("ghost.tar"),
  imported("none.tar"),
  image("ls"),
  image("ls", "-q"),
  image("ls", "name==example.com/app:1"),
  image("ls", "name~=app", "name~=multi"),
  image("ls", "-q", "nothing==1"),
  image("check", "name~=app"),
  image("check", "-q"),
  // One label: of several ctr prints the order of a Go map, which changes from run to run.
  image("label", "example.com/app:1", "a=b"),
  image("label", "example.com/app:1", "a="),
  image("ls", "name==example.com/app:1"),
  image("label", "--replace-all", "example.com/app:1", "e=f"),
  image("label", "missing", "a=b"),
  image("label"),
  image("tag", "example.com/app:1", "new:1", "new:2"),
  image("tag", "example.com/app:1", "new:1"),
  image("tag", "--force", "example.com/root:1", "new:1"),
  image("ls", "name~=new"),
  image("tag", "missing", "x"),
  image("tag", "x"),
  image("rm", "new:1", "missing", "new:2"),
  image("rm", "missing"),
  image("rm"),
  ...onSnapshotter("overlayfs"),
  ...onSnapshotter("native"),
  command(["run", "missing", "i3"]),
  command(["run", "example.com/app:1"]),
  command(["run"]),
  command(["c", "create", "missing", "i3"]),
  command(["run", "--rm", "--platform", "linux/arm64", "example.com/multi:1", "i3", "/bin/true"]),
  command(["c", "ls"]),
  exported("example.com/app:1"),
  // One image: of several ctr orders Docker's list as a Go map comes, which changes from run to run.
  exported("--skip-manifest-json", "example.com/multi:1"),
  exported("--platform", "linux/amd64", "example.com/multi:1"),
  exported("--all-platforms", "example.com/multi:1"),
  exported("missing"),
  imported("multi.tar", "--all-platforms"),
  exported("--all-platforms", "example.com/multi:1"),
  exported("--platform", "linux/arm64", "example.com/multi:1"),
  image("export", "only.tar"),
  image("convert", "docker.io/library/docker:1", "converted:1"),
  image("convert", "--oci", "docker.io/library/docker:1", "converted:2"),
  image("convert", "--uncompress", "--oci", "docker.io/library/docker:1", "converted:3"),
  image("convert", "--uncompress", "docker.io/library/docker:1", "converted:3"),
  image("ls", "name~=converted"),
  command(["run", "--rm", "converted:3", "i4", ...shout("echo converted")]),
  image("convert", "missing", "converted:4"),
  image("convert", "missing"),
  story("i rm --sync of all images", async (corner: Corner) => {
    const listed = await corner.cli.run(["i", "ls", "-q"]);
    const names = listed.stdout.split("\n").filter((name) => name !== "");
    const removed = await corner.cli.run(["i", "rm", "--sync", ...names]);
    return { ...removed, stdout: maskDate(removed.stdout) };
  }),
  image("ls"),
];
