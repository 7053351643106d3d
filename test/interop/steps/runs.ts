// `run` in its forms, attaching to what runs, and starting in the foreground.
import { findLeftovers } from "../../helpers/leftovers.js";
import { until } from "../../helpers/until.js";
import { command, inRootfs, type Step, screenLines, sh, shout, story } from "../step.js";

export const runs: readonly Step[] = [
  command(inRootfs(["run", "--rm"], ["r1", ...shout("echo out; echo err >&2", 5)])),
  command(inRootfs(["run", "--rm"], ["r1", "/bin/not-there"])),
  command(inRootfs(["run", "--rm", "-d"], ["r1", "/bin/true"])),
  command(inRootfs(["run", "--rm"], ["bad id", "/bin/true"])),
  command(inRootfs(["run", "--rm", "--runtime", "io.example.other.v1"], ["r1", "/bin/true"])),
  command(inRootfs(["run", "--rm", "--runtime", "nonsense"], ["r1", "/bin/true"])),
  command(inRootfs(["run", "--rm", "--null-io"], ["r1", ...sh("echo lost; exit 6")])),
  command(inRootfs(["run", "--rm", "--env", "A=1", "--cwd", "/tmp"], ["r1", ...shout('echo "$A"; pwd')])),
  command(["c", "ls"]),
  story("run --rm reads its input to the end", async ({ cli, rootfs }) => {
    await using program = await cli.start(["run", "--rm", "--rootfs", rootfs, "r2", ...sh("echo ready; cat; exit 3")]);
    await program.waitForOutput(/ready/);
    program.write("one\ntwo\n");
    program.endInput();
    return await program.result;
  }),
  story("run --rm forwards signals", async ({ cli, rootfs }) => {
    const script =
      'trap "echo listening" USR2; trap "echo caught; exit 8" TERM; echo ready; while :; do sleep 0.05; done';
    await using program = await cli.start(["run", "--rm", "--rootfs", rootfs, "r3", ...sh(script)]);
    await program.waitForOutput(/ready/);
    // ctr begins to forward some time after the process has started; before that it ignores SIGUSR2 and dies of SIGTERM.
    await until("a signal to be forwarded", () => {
      program.signal("SIGUSR2");
      return /listening/.test(program.stdout());
    });
    program.signal("SIGTERM");
    const result = await program.result;
    return { ...result, stdout: result.stdout.replace(/(listening\n)+/, "listening\n") };
  }),
  story("run --rm ended by a signal", async (corner) => {
    const { cli, rootfs } = corner;
    await using program = await cli.start(["run", "--rm", "--rootfs", rootfs, "r4", ...sh("echo ready; sleep 1000")]);
    await program.waitForOutput(/ready/);
    await cli.run(["t", "kill", "-s", "SIGKILL", "r4"]);
    return await program.result;
  }),
  story("run -t has a terminal of the window's size", async ({ cli, rootfs }) => {
    await using terminal = cli.terminal(["run", "--rm", "-t", "--rootfs", rootfs, "r5", "/bin/sh"], {
      columns: 91,
      rows: 33,
    });
    await terminal.waitForScreen(/# /);
    await until("the size of the window", async () => {
      terminal.type("stty size\n");
      return /33 91/.test(terminal.screen());
    });
    terminal.type('test -t 0 && test -t 2 && echo is-a-terminal; echo "term-$TERM"; exit 4\n');
    const { code, screen } = await terminal.exit;
    const told = screenLines(screen)
      .split("\n")
      .filter((line) => /^(33 91|is-a-terminal|term-\w+)$/.test(line));
    return { code, stdout: [...new Set(told)].join("\n"), stderr: "" };
  }),
  command(inRootfs(["run", "-d", "--label", "k=v"], ["d1", ...sh('while read -r line; do echo "got $line"; done')])),
  command(inRootfs(["run", "-d"], ["d1", "/bin/true"])),
  story("t attach", async (corner) => {
    const { cli } = corner;
    await using program = await cli.start(["t", "attach", "d1"]);
    program.write("hello\n");
    await program.waitForOutput(/got hello/);
    await cli.run(["t", "kill", "-s", "SIGKILL", "d1"]);
    const result = await program.result;
    return { ...result, stdout: `${result.stdout}${(await cli.run(["t", "ls"])).stdout}` };
  }),
  command(["c", "ls"]),
  command(["c", "rm", "d1"]),
  command(inRootfs(["c", "create"], ["s1", "/bin/nine"])),
  command(["t", "start", "s1"]),
  command(["t", "ls"]),
  command(["c", "rm", "s1"]),
  command(inRootfs(["run", "-d", "--null-io"], ["f1", "/bin/sleep", "1000"])),
  command(["t", "rm", "-f", "f1"]),
  command(["c", "rm", "f1"]),
  command(["c", "ls"]),
  command(["t", "ls"]),
  story("nothing is left", async ({ engine, namespace }) => {
    const left = await findLeftovers(engine, namespace, []);
    return { code: left.length, stdout: left.join("\n"), stderr: "" };
  }),
];
