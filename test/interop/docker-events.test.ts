// One and the same life tells the same events in the same order, whether runc or a Docker engine runs it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startBerthd } from "../helpers/daemon.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { rawClients } from "../helpers/grpc.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { type EventLog, listen } from "./event-log.js";
import { DOCKER, onRuntime, RUNC, shareImage } from "./runtime-cli.js";
import { sh } from "./step.js";

/** A memory limit that busybox's tail passes when it looks for the end of /dev/zero. */
const LIMIT = String(16 * 1024 * 1024);

interface Stage {
  readonly cli: Cli;
  readonly log: EventLog;
}

/** Each part is over when its last event is there, so that none waits for another's. */
const PARTS: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  "a run in the foreground": async ({ cli, log }) => {
    await cli.run(["run", "--rm", "--rootfs", "", "r1", ...sh("echo out; exit 3")]);
    await log.untilLast("/tasks", /TaskDelete.*"r1"/);
  },
  "execs, a pause, a kill and a delete": async ({ cli, log }) => {
    await cli.run(["run", "-d", "--null-io", "--rootfs", "", "c1", "/bin/sleep", "1000"]);
    await cli.run(["t", "exec", "--exec-id", "x1", "c1", ...sh("exit 2")]);
    await log.untilLast("/tasks", /TaskExit.*"x1"/);
    await cli.run(["t", "exec", "--exec-id", "x2", "c1", "/bin/not-there"]);
    await log.untilLast("/tasks", /TaskExecAdded.*"x2"/);
    await cli.run(["t", "pause", "c1"]);
    await cli.run(["t", "pause", "c1"]);
    await cli.run(["t", "resume", "c1"]);
    await log.untilLast("/tasks", /TaskResumed/);
    await cli.run(["t", "kill", "-s", "SIGKILL", "c1"]);
    await log.untilLast("/tasks", /TaskExit.*"c1"/);
    await cli.run(["t", "rm", "c1"]);
    await log.untilLast("/tasks", /TaskDelete/);
  },
  "an exec that dies with its task": async ({ cli, log }) => {
    await cli.run(["run", "-d", "--null-io", "--rootfs", "", "c2", "/bin/sleep", "1000"]);
    await cli.run(["t", "exec", "-d", "--exec-id", "x3", "c2", "/bin/sleep", "1000"]);
    await log.untilLast("/tasks", /TaskExecStarted.*"x3"/);
    await cli.run(["t", "rm", "-f", "c2"]);
    await log.untilLast("/tasks", /TaskDelete.*"c2"/);
  },
  "a task that the kernel ends for its memory": async ({ cli, log }) => {
    // runc's shim begins to listen for the kernel's word only after the start.
    const hungry = sh("sleep 0.5; exec tail /dev/zero");
    await cli.run(["run", "-d", "--null-io", "--memory-limit", LIMIT, "--rootfs", "", "o1", ...hungry]);
    await log.untilLast("/tasks", /TaskExit.*"o1"/);
    await cli.run(["t", "rm", "-f", "o1"]);
    await log.untilLast("/tasks", /TaskDelete.*"o1"/);
  },
};

/** What no client can tell from an event: where the bundle is, and Docker's pid of a task that has not started. */
const comparable = (line: string): string =>
  line
    .replace(/"bundle":"[^"]*"/, '"bundle":"BUNDLE"')
    .replace(/^(\S+ \/tasks\/create .*"pid":)"\w+"/, '$1"PID"')
    .replace(/"rootfs":\[.*\],"io"/, '"rootfs":[],"io"');

/** The kernel may tell of the same memory more than once before the process is gone. */
const withoutEchoes = (lines: readonly string[]): string[] =>
  lines.filter((line, index) => !line.includes("/tasks/oom") || line !== lines[index - 1]);

describe.skipIf(requires.containerd() || requires.binary("dockerd") || requires.binary("ctr"))("task events", () => {
  const scope = new DisposeScope();
  const told = new Map<string, readonly string[]>();

  beforeAll(async () => {
    const engine: DockerEngine = await startEngine(scope);
    const play = async (runtime: string): Promise<void> => {
      await using ownScope = new DisposeScope();
      const namespace = freshNamespace(ownScope);
      const daemon = await startBerthd(ownScope, { env: { DOCKER_HOST: engine.host } });
      const ctr = createCli("ctr", daemon, namespace);
      await shareImage(engine, ctr, BUSYBOX);
      const clients = ownScope.use(rawClients(daemon.address));
      const log = await listen(ownScope, daemon, clients, namespace);
      const cli = onRuntime(ctr, BUSYBOX, runtime);
      for (const [part, act] of Object.entries(PARTS)) {
        const before = log.lines("/tasks").length;
        await act({ cli, log });
        told.set(`${runtime}: ${part}`, log.lines("/tasks").slice(before));
      }
    };
    await Promise.all([play(RUNC), play(DOCKER)]);
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test.each(Object.keys(PARTS))("of %s are the same with Docker", (part) => {
    const expected = told.get(`${RUNC}: ${part}`) ?? [];
    expect(expected.length).toBeGreaterThan(3);
    const actual = told.get(`${DOCKER}: ${part}`) ?? [];
    expect(withoutEchoes(actual).map(comparable)).toEqual(withoutEchoes(expected).map(comparable));
  });
});
