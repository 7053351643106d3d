// The commands that both clients give both daemons, in order; each step tells what it printed and how it ended. Steps build on
// each other: what one creates, a later one uses and removes. Nothing here knows which client or daemon it talks to.
import type { Cli } from "../helpers/cli.js";
import type { Engine } from "../helpers/engine.js";
import { findLeftovers } from "../helpers/leftovers.js";
import type { ProgramResult } from "../helpers/program.js";
import { until } from "../helpers/until.js";
import { mask, maskGenerated, maskNumbers, maskVersions, sortLabels } from "./mask.js";

/** One corner of the square: a client on a daemon. */
export interface Corner {
  readonly cli: Cli;
  readonly engine: Engine;
  readonly namespace: string;
  /** Holds `/bin/nine`, which prints `foreground` and exits with 9. */
  readonly rootfs: string;
}

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Step {
  readonly name: string;
  run(corner: Corner): Promise<Answer>;
}

type Masker = (text: string) => string;
type Args = readonly string[] | ((corner: Corner) => readonly string[]);

function masked(corner: Corner, result: Answer, ...more: readonly Masker[]): Answer {
  const places = { ...corner, stateDir: corner.engine.stateDir, address: corner.engine.address };
  const apply = (text: string): string => more.reduce((all, one) => one(all), mask(text, places));
  return { code: result.code, stdout: apply(result.stdout), stderr: apply(result.stderr) };
}

/** A plain command: run it, tell what it said. */
function command(args: Args, ...more: readonly Masker[]): Step {
  const example = typeof args === "function" ? args(EXAMPLE) : args;
  return {
    name: example.join(" "),
    run: async (corner) =>
      masked(corner, await corner.cli.run(typeof args === "function" ? args(corner) : args), ...more),
  };
}

/** A step that is more than one command. */
function story(
  name: string,
  run: (corner: Corner) => Promise<ProgramResult | Answer>,
  ...more: readonly Masker[]
): Step {
  return { name, run: async (corner) => masked(corner, await run(corner), ...more) };
}

const EXAMPLE = { rootfs: "ROOTFS", namespace: "NAMESPACE" } as Corner;
const sh = (text: string): string[] => ["/bin/sh", "-c", text];
const inRootfs = (before: readonly string[], after: readonly string[]) => (corner: Corner) => [
  ...before,
  "--rootfs",
  corner.rootfs,
  ...after,
];

/** Waits until `t ls` shows the task with that status. */
async function untilStatus(corner: Corner, id: string, status: string): Promise<void> {
  const line = new RegExp(`^${id} +\\d+ +${status}`, "m");
  await until(`task ${id} to be ${status}`, async () => line.test((await corner.cli.run(["t", "ls"])).stdout));
}

/** The lines of a terminal, without colours, carriage returns and empty ends. */
function screenLines(screen: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences begin with the escape character
  return screen.replace(/\u001b\[[0-9;?]*[a-zA-Z]/g, "").replace(/\r/g, "");
}

const about: readonly Step[] = [
  command(["version"], maskVersions),
  story("plugins ls", async ({ cli }) => {
    // Which plugins there are is each daemon's own business; the table is not.
    const { code, stdout, stderr } = await cli.run(["plugins", "ls"]);
    const [head = "", ...rows] = stdout.trim().split("\n");
    const services = rows.map((row) => row.trim().split(/ +/)).filter(([type]) => type === "io.containerd.grpc.v1");
    const common = ["containers", "events", "introspection", "leases", "namespaces", "tasks", "version"];
    const shown = common.filter((id) => services.some((row) => row[1] === id && row.at(-1) === "ok"));
    return { code, stdout: `${head.trim().split(/ +/).join(" ")}\n${shown.join(" ")}`, stderr };
  }),
];

const namespaces: readonly Step[] = [
  command(["ns", "create", "other", "b=2", "a=1"]),
  command(["ns", "create", "other"]),
  command(["ns", "create", "bad name"]),
  command(["ns", "create", "plain"]),
  command(["ns", "ls"]),
  command(["ns", "ls", "-q"]),
  command(["ns", "label", "other", "a=", "c=x/y"]),
  command(["ns", "label", "unheard-of", "a=b"]),
  command(["ns", "ls"]),
  command(["ns", "rm", "other"]),
  command(["ns", "rm", "plain", "unheard-of"]),
  command(["ns", "rm", "other"]),
  command(["ns", "ls"]),
];

const leases: readonly Step[] = [
  command(["leases", "create", "--id", "l1", "k=v"]),
  command(["leases", "create", "--id", "l1"]),
  command(["leases", "create", "--id", "l2", "--expires", "0s"]),
  command(["leases", "ls"]),
  command(["leases", "ls", "-q"]),
  command(["leases", "create"], maskGenerated),
  command(["leases", "ls", "-q", "labels.k==v"]),
  command(["leases", "rm", "l1"]),
  command(["leases", "rm", "--sync", "l2"]),
  command(["leases", "rm", "l1"]),
  command(["leases", "ls", "-q"], maskGenerated),
  story("leases rm of all", async ({ cli }) => {
    const ids = (await cli.run(["leases", "ls", "-q"])).stdout.trim().split("\n");
    return { ...(await cli.run(["leases", "rm", ...ids])), stdout: `${ids.length}` };
  }),
];

const containers: readonly Step[] = [
  command(inRootfs(["c", "create", "--label", "a=b", "--label", "z=y"], ["c1", "/bin/sleep", "1000"])),
  command(inRootfs(["c", "create"], ["c1", "/bin/true"])),
  command(inRootfs(["c", "create"], ["bad id", "/bin/true"])),
  command(
    inRootfs(
      [
        ...["c", "create", "--env", "A=1", "--cwd", "/tmp", "--read-only", "--memory-limit", "50000000", "--tty"],
        ...["--mount", "type=bind,src=/tmp,dst=/host,options=rbind:ro", "--cap-add", "CAP_SYS_TIME"],
        ...["--cap-drop", "CAP_KILL"],
      ],
      ["c2", "/bin/sh"],
    ),
  ),
  command(inRootfs(["c", "create", "--runtime", "io.example.other.v1"], ["c3", "/bin/true"])),
  command(["c", "ls"]),
  command(["c", "ls", "-q"]),
  command(["c", "ls", "-q", "labels.a==b"]),
  command(["c", "ls", "-q", "id~=^c[12]$"]),
  command(["c", "ls", "-q", "id==c1", "runtime.name==io.example.other.v1"]),
  command(["c", "ls", "labels.a==nothing"]),
  command(["c", "ls", "-q", "labels.a=b"]),
  command(["c", "info", "c1"]),
  command(["c", "info", "c2"]),
  command(["c", "info", "missing"]),
  command(["c", "label", "c1", "foo=bar/baz", "a="], sortLabels),
  command(["c", "label", "missing", "foo=bar"]),
  command(["c", "ls", "-q", 'labels."foo"=="bar/baz"']),
  command(["c", "rm", "c2", "c3"]),
  command(["c", "rm", "c2"]),
  command(["c", "ls"]),
];

const tasks: readonly Step[] = [
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
    const listed = maskNumbers((await cli.run(["t", "ps", "c1"])).stdout);
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

const runs: readonly Step[] = [
  command(inRootfs(["run", "--rm"], ["r1", ...sh("echo out; echo err >&2; exit 5")])),
  command(inRootfs(["run", "--rm"], ["r1", "/bin/not-there"])),
  command(inRootfs(["run", "--rm", "-d"], ["r1", "/bin/true"])),
  command(inRootfs(["run", "--rm"], ["bad id", "/bin/true"])),
  command(inRootfs(["run", "--rm", "--runtime", "io.example.other.v1"], ["r1", "/bin/true"])),
  command(inRootfs(["run", "--rm", "--runtime", "nonsense"], ["r1", "/bin/true"])),
  command(inRootfs(["run", "--rm", "--null-io"], ["r1", ...sh("echo lost; exit 6")])),
  command(inRootfs(["run", "--rm", "--env", "A=1", "--cwd", "/tmp"], ["r1", ...sh('echo "$A"; pwd')])),
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

const events: readonly Step[] = [
  story(
    "events",
    async ({ cli, rootfs }) => {
      await using listener = await cli.start(["events"]);
      await until("the subscription", async () => {
        await cli.run(["ns", "label", "listening", "now=yes"]);
        return /namespaces\/update/.test(listener.stdout());
      });
      const before = listener.stdout().length;
      await cli.run(["c", "create", "--label", "a=b", "--rootfs", rootfs, "e1", "/bin/sleep", "1000"]);
      await cli.run(["c", "label", "e1", "c=d"]);
      await cli.run(["t", "start", "-d", "--null-io", "e1"]);
      await cli.run(["t", "exec", "--exec-id", "x1", "e1", ...sh("exit 2")]);
      await cli.run(["t", "pause", "e1"]);
      await cli.run(["t", "resume", "e1"]);
      await cli.run(["t", "rm", "-f", "e1"]);
      await cli.run(["c", "rm", "e1"]);
      await until("the last event", () => /containers\/delete/.test(listener.stdout().slice(before)));
      listener.signal("SIGINT");
      await listener.result;
      const lines = listener.stdout().split("\n");
      const told = lines.filter((line) => !line.includes("/namespaces/update"));
      return { code: 0, stdout: told.join("\n"), stderr: "" };
    },
    (text) => text.replace(/("pid"|"exited_at"|"value"):("[^"]*"|\d+)/g, "$1:X"),
  ),
  command(["ns", "rm", "listening"]),
];

/** The whole script. Every step's name is unique once numbered by {@link playScript}. */
export const SCRIPT: readonly Step[] = [
  ...about,
  ...namespaces,
  ...leases,
  ...containers,
  ...tasks,
  ...runs,
  ...events,
];

/** Plays it in one corner; the keys are `<number> <name>`. A step that throws tells so in its answer. */
export async function playScript(corner: Corner): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  for (const [index, step] of SCRIPT.entries()) {
    const key = `${index + 1} ${step.name}`;
    try {
      answers.set(key, await step.run(corner));
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
      answers.set(key, { code: null, stdout: "", stderr: `the step failed: ${String(error)}${cause}` });
    }
  }
  return answers;
}

/** The keys of {@link playScript}, for tables of tests. */
export const STEP_KEYS: readonly string[] = SCRIPT.map((step, index) => `${index + 1} ${step.name}`);
