// The task of container `c1`: started, watched, entered, paused, killed and removed, and what is refused in each state.
import { until } from "../../helpers/until.js";
import { maskNumbers } from "../mask.js";
import { command, type Step, screenLines, sh, story, untilStatus } from "../step.js";

export const tasks: readonly Step[] = [
  command(["t", "start", "-d", "missing"]),
  command(["t", "start", "-d", "--null-io", "c1"]),
  command(["t", "start", "-d", "--null-io", "c1"]),
  command(["t", "ls"], maskNumbers),
  command(["t", "ls", "-q"]),
  command(["t", "exec", "--exec-id", "x1", "c1", ...sh("echo out; echo err >&2; exit 7")]),
  command(["t", "exec", "--exec-id", "x2", "--cwd", "/tmp", "c1", ...sh("pwd; id -u")]),
  command(["t", "exec", "--exec-id", "x3", "c1", "/bin/not-there"]),
  command(["t", "exec", "--exec-id", "bad id", "c1", "/bin/true"]),
  story("t exec reads its input to the end", async ({ cli }) => {
    await using program = await cli.start(["t", "exec", "--exec-id", "x4", "c1", ...sh("echo ready; cat; echo end")]);
    await program.waitForOutput(/ready/);
    program.write("one\ntwo\n");
    program.endInput();
    return await program.result;
  }),
  story("t exec -t has a terminal", async ({ cli }) => {
    await using terminal = cli.terminal(["t", "exec", "-t", "--exec-id", "x5", "c1", "/bin/sh"], {
      columns: 91,
      rows: 33,
    });
    await terminal.waitForScreen(/# /);
    await until("the size of the window", async () => {
      terminal.type("stty size\n");
      return /33 91/.test(terminal.screen());
    });
    terminal.type("test -t 1 && echo is-a-terminal; exit 4\n");
    const { code, screen } = await terminal.exit;
    const told = screenLines(screen)
      .split("\n")
      .filter((line) => /^(33 91|is-a-terminal)$/.test(line));
    return { code, stdout: [...new Set(told)].join("\n"), stderr: "" };
  }),
  story("t exec -d, t ps, t kill --exec-id", async (corner) => {
    const { cli } = corner;
    const started = await cli.run(["t", "exec", "-d", "--exec-id", "x6", "c1", "/bin/sleep", "1000"]);
    const table = maskNumbers((await cli.run(["t", "ps", "c1"])).stdout).trimEnd();
    const [header, ...rows] = table.split("\n").map((line) => line.trim());
    // The kernel lists a cgroup's processes by pid, and a later process may have the smaller one: init first, then the exec.
    rows.sort((a, b) => Number(b.endsWith(" -")) - Number(a.endsWith(" -")));
    const listed = [header, ...rows, ""].join("\n");
    const killed = await cli.run(["t", "kill", "--exec-id", "x6", "-s", "SIGKILL", "c1"]);
    const removed = await until("the exec to be removable", async () => {
      // It ends with the status of the process that it removes.
      const answer = await cli.run(["t", "rm", "--exec-id", "x6", "c1"]);
      return answer.code === 137 ? answer : undefined;
    });
    const codes = [started.code, killed.code, removed.code].join(" ");
    return { code: 0, stdout: `${codes}\n${listed}`, stderr: started.stderr + killed.stderr };
  }),
  command(["t", "pause", "c1"]),
  command(["t", "ls"], maskNumbers),
  command(["t", "pause", "c1"]),
  command(["t", "exec", "--exec-id", "x7", "c1", "/bin/true"]),
  command(["t", "resume", "c1"]),
  command(["t", "resume", "c1"]),
  story("t metrics", async ({ cli }) => {
    const { code, stdout, stderr } = await cli.run(["t", "metrics", "c1"]);
    const names = stdout.split("\n").map((line) => line.trim().split(/ +/)[0]);
    return { code, stdout: names.join("\n"), stderr };
  }),
  story("t metrics --format json", async ({ cli }) => {
    const { code, stdout, stderr } = await cli.run(["t", "metrics", "--format", "json", "c1"]);
    return { code, stdout: Object.keys(JSON.parse(stdout)).sort().join("\n"), stderr };
  }),
  command(["t", "metrics", "missing"]),
  command(["c", "rm", "c1"]),
  command(["t", "rm", "c1"]),
  command(["t", "attach", "missing"]),
  command(["t", "kill", "-s", "SIGNOTHING", "c1"]),
  command(["t", "kill", "missing"]),
  story("t kill", async (corner) => {
    const answer = await corner.cli.run(["t", "kill", "-s", "SIGKILL", "c1"]);
    await untilStatus(corner, "c1", "STOPPED");
    return answer;
  }),
  command(["t", "kill", "-s", "9", "c1"]),
  command(["t", "ls"], maskNumbers),
  command(["t", "ps", "c1"]),
  command(["t", "exec", "--exec-id", "x8", "c1", "/bin/true"]),
  command(["t", "rm", "c1"]),
  command(["t", "rm", "c1"]),
  command(["t", "ls"]),
  command(["c", "rm", "c1"]),
];
