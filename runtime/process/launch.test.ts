// What a program finds when it runs: exactly what its spec says, and nothing of how it was launched.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { execSpec, HostFixture, hostProcess, PATH_VARIABLE } from "../../test/helpers/process-host.js";
import { until } from "../../test/helpers/until.js";
import { endLeftBehind } from "./left-behind.js";
import { readStat } from "./session.js";

let fixture: HostFixture;
beforeEach(() => {
  fixture = new HostFixture();
});
afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
});

/** What a process like this one prints. */
const textOf = async (process: object): Promise<string> => (await fixture.output(process)).text;

describe("a process that was created", () => {
  test("has a pid that it keeps, and nothing of its program has run", async () => {
    const mark = join(fixture.dir, "mark");
    const task = await fixture.create("t", hostProcess(["sh", "-c", `echo $$ > ${mark}`]));
    expect(readStat(task.pid)?.session).toBe(task.pid);
    expect(existsSync(mark)).toBe(false);
    expect(await task.start("")).toEqual({ pid: task.pid });
    await task.wait("");
    expect(readFileSync(mark, "utf8")).toBe(`${task.pid}\n`);
  });

  test("writes down who it is", async () => {
    const task = await fixture.create("t", hostProcess(["sleep", "1000"]));
    expect(readFileSync(join(task.bundle, "init.pid"), "utf8")).toBe(String(task.pid));
  });

  test("shows no secret of the environment on its command line", async () => {
    const env = [PATH_VARIABLE, "LD_SECRET=s3cret", "odd name=s3cret", "PLAIN=s3cret"];
    const task = await fixture.create("t", hostProcess(["sleep", "1000"], { env }));
    expect(readFileSync(`/proc/${task.pid}/cmdline`, "utf8")).not.toContain("s3cret");
  });

  test.each(["created", "running"] as const)("is dealt with when its supervisor is killed: %s", async (status) => {
    const { bundle } = fixture.request("t", { process: hostProcess(["sleep", "1000"]) });
    const script = `
      import { createProcessHost } from ${JSON.stringify(join(import.meta.dirname, "host.ts"))};
      import { silentLogger } from ${JSON.stringify(join(import.meta.dirname, "../../api/core/log.ts"))};
      const host = createProcessHost({ log: silentLogger, clock: () => 1n, namespace: "bt-x", onEvent: () => {} });
      const request = { id: "t", bundle: ${JSON.stringify(bundle)}, rootfs: [], checkpoint: "" };
      const { pid } = await host.create({ ...request, stdin: "", stdout: "", stderr: "", terminal: false });
      if (${status === "running"}) await host.task("t").start("");
      process.stdout.write(String(pid));
      setInterval(() => {}, 1000);
    `;
    const supervisor = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [pid] = await once(supervisor.stdout, "data");
    const isAlive = (): boolean => !["Z", undefined].includes(readStat(String(pid))?.state);
    expect(isAlive()).toBe(true);
    supervisor.kill("SIGKILL");
    await once(supervisor, "exit");
    // What waits to begin would wait for ever; what runs goes on until somebody ends it.
    if (status === "created") await until("the launcher to end", () => !isAlive());
    else expect(isAlive()).toBe(true);
    const exit = await endLeftBehind({ namespace: "bt-x", id: "t", bundle, clock: () => 5n });
    expect(exit).toEqual({ pid: Number(pid), exitStatus: 137, exitedAtNs: 5n });
    expect(isAlive()).toBe(false);
  });
});

describe("the environment", () => {
  const show = ["/usr/bin/env", "-0"];
  const lines = (text: string): string[] => text.split("\0").slice(0, -1).sort();

  test.each([
    ["plain", ["A=1", "B="]],
    ["with values of any kind", ["A=two\nlines\n", "B= ' \" $(id) `id` \\0 \\n", "C=üñí ☃", "D=a=b"]],
    ["with names that shells cannot hold", ["odd name=1", "1=2", "a-b=3\n\n", "-u=x", "ü=y", "a.b=\\"]],
    [
      "with names that shells make their own",
      ["PWD=/else", "OLDPWD=x", "IFS=:", "OPTIND=x", "PPID=1", "PS4=q", "ENV=/x"],
    ],
    ["with names that the loader obeys", ["LD_LIBRARY_PATH=/none", "MALLOC_ARENA_MAX=1", "GLIBC_TUNABLES=none"]],
    ["with its own launcher's name", ["BERTH_LAUNCHER_WORD=x", "SHLVL=7", "_=x"]],
    ["that is long", [`LONG=${"x".repeat(100_000)}`, `odd long=${"\n".repeat(20_000)}`]],
  ])("%s is the program's", async (_, env) => {
    const text = await textOf(hostProcess(show, { env }));
    expect(lines(text)).toEqual([...env].sort());
  });

  test("may be empty", async () => {
    expect(await textOf(hostProcess(show, { env: [] }))).toBe("");
    expect(await textOf(hostProcess(show, { env: undefined }))).toBe("");
  });

  test("has of a name given twice the last value", async () => {
    expect(lines(await textOf(hostProcess(show, { env: ["A=1", "B=2", "A=3"] })))).toEqual(["A=3", "B=2"]);
  });
});

describe("the program", () => {
  test("has the arguments as they are", async () => {
    const args = ["printf", "<%s>", "", "a b", "$x", "'", '"', "\n", "-e", "--", "ü"];
    expect(await textOf(hostProcess(args))).toBe("<><a b><$x><'><\"><\n><-e><--><ü>");
  });

  test("has the name that it was called by", async () => {
    expect((await textOf(hostProcess(["sh", "-c", "cat /proc/$$/cmdline"]))).split("\0")[0]).toBe("sh");
    const link = join(fixture.dir, "my sh");
    symlinkSync("/bin/sh", link);
    expect((await textOf(hostProcess([link, "-c", "cat /proc/$$/cmdline"]))).split("\0")[0]).toBe(link);
  });

  test.each(["-x", "a=b", "two words", "exit", "set"])("may be called %s", async (name) => {
    const dir = join(fixture.dir, "bin");
    mkdirSync(dir);
    writeFileSync(join(dir, name), "#!/bin/sh\necho ran\n");
    chmodSync(join(dir, name), 0o755);
    chmodSync(fixture.dir, 0o755);
    const env = [`PATH=${dir}:/usr/bin:/bin`];
    expect(await textOf(hostProcess([name], { env }))).toBe("ran\n");
    expect(await textOf(hostProcess([name], { env: [...env, "odd name=1"] }))).toBe("ran\n");
    expect(await textOf(hostProcess([name], { env, noNewPrivileges: true }))).toBe("ran\n");
  });

  test("runs in its folder", async () => {
    const cwd = join(realpathSync(fixture.dir), "some where");
    mkdirSync(cwd);
    expect(await textOf(hostProcess(["pwd"], { cwd }))).toBe(`${cwd}\n`);
    writeFileSync(join(cwd, "here"), "#!/bin/sh\necho here\n", { mode: 0o755 });
    expect(await textOf(hostProcess(["./here"], { cwd }))).toBe("here\n");
  });

  test("has no descriptors but its own three, and no signals blocked or ignored", async () => {
    const text = await textOf(hostProcess(["sh", "-c", "ls /proc/$$/fd | tr '\\n' ' '; exec cat /proc/self/status"]));
    expect(text).toMatch(/^0 1 2 Name:/);
    expect(text).toMatch(/^SigBlk:\t0+$/m);
    // What the C library keeps for itself nobody can change.
    const ignored = BigInt(`0x${/^SigIgn:\t(.*)$/m.exec(text)?.[1]}`) & ~(3n << 31n);
    expect(ignored).toBe(0n);
  });

  test("leads a session and a process group of its own", async () => {
    const text = await textOf(hostProcess(["sh", "-c", "cat /proc/$$/stat"]));
    const [pid = "", , , , group, session] = text.split(" ");
    expect([group, session]).toEqual([pid, pid]);
  });

  test("has the umask that it was given, else 022", async () => {
    expect(await textOf(hostProcess(["sh", "-c", "umask"]))).toBe("0022\n");
    const { uid = 0, gid = 0 } = { uid: process.getuid?.(), gid: process.getgid?.() };
    expect(await textOf(hostProcess(["sh", "-c", "umask"], { user: { uid, gid, umask: 0o077 } }))).toBe("0077\n");
    expect(await textOf(hostProcess(["sh", "-c", "umask"], { user: { uid, gid, umask: 0 } }))).toBe("0000\n");
  });

  test("has its limits and its place before the killer of processes", async () => {
    const rlimits = [
      { type: "RLIMIT_NOFILE", soft: 64, hard: 100 },
      { type: "RLIMIT_CORE", soft: 0, hard: 0 },
    ];
    const show = "ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj";
    const text = await textOf(hostProcess(["sh", "-c", show], { rlimits, oomScoreAdj: 900 }));
    expect(text).toBe("64\n100\n0\n900\n");
    // Hardly enough to load a shell.
    const few = [{ type: "RLIMIT_NOFILE", soft: 4, hard: 4 }];
    expect((await fixture.output(hostProcess(["sh", "-c", "exit 4"], { rlimits: few }))).status).toBe(4);
  });

  test("in an exec is launched just so", async () => {
    const task = await fixture.run("t", hostProcess(["sleep", "1000"]));
    const file = join(fixture.dir, "out");
    writeFileSync(file, "");
    const env = [PATH_VARIABLE, "odd name=\n"];
    const spec = execSpec(["sh", "-c", "/usr/bin/env -0 | sort -z; umask; pwd"], { env, cwd: "/usr" });
    await task.exec("e", { stdin: "", stdout: file, stderr: file, terminal: false, spec });
    await task.start("e");
    await task.wait("e");
    expect(readFileSync(file, "utf8")).toContain("0022\n/usr\n");
  });
});
