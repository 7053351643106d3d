// The stdio of Docker tasks through a real daemon, which is killed while streams are under way: none is lost, nothing comes twice.
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { FifoEnds } from "../../api/client/io/fifo-ends.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { anyOfJson, PROCESS_TYPE } from "../../api/core/typeurl.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { gather, makePipes, takeStreams } from "../helpers/docker-box.js";
import { bridgePid, bridgePids } from "../helpers/docker-bridge.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { ociSpec } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const RUNTIME = "io.berth.docker.v1";
const SIGKILL = 9;
/** Answers each line that is typed. */
const ECHO = ["sh", "-c", "while read line; do echo got $line; done; echo end"];

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("stdio of docker tasks under a daemon", () => {
  const scope = new DisposeScope();
  let engine: DockerEngine;
  let daemon: Berthd;
  let client: Client;
  let dir: string;
  let namespace: string;
  const dial = (): Client => scope.use(connect({ address: daemon.address }));
  const socketPath = (): string => join(daemon.stateDir, RUNTIME, "bridge.sock");

  beforeAll(async () => {
    engine = await startEngine(scope);
    dir = await tempDir(scope);
    namespace = freshNamespace(scope);
    daemon = await startBerthd(scope, { config: `[docker]\nhost = "${engine.host}"\n` });
    client = dial();
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  /** A task with pipes, started. */
  async function launch(own: DisposeScope, id: string, args: readonly string[]) {
    const ctx = { namespace };
    const pipes = own.use(await makePipes(dir));
    const spec = ociSpec({ args, rootfs: "rootfs", cgroupsPath: `/${namespace}/${id}` });
    await client.containers.create(ctx, { id, image: BUSYBOX, runtime: { name: RUNTIME }, spec });
    await client.tasks.create(ctx, id, { ...pipes.stdio, rootfs: [] });
    await client.tasks.start(ctx, id, "");
    return { ctx, id, pipes, ...takeStreams(pipes) };
  }

  test("streams of a task and of its exec go on while the daemon is killed and started again", async () => {
    await using own = new DisposeScope();
    const { ctx, id, stdin, stdout } = await launch(own, "goes-on", ECHO);
    const execPipes = own.use(await makePipes(dir));
    const spec = anyOfJson(PROCESS_TYPE, { args: ECHO, cwd: "/" });
    await client.tasks.exec(ctx, id, "x", { ...execPipes.stdio, spec });
    await client.tasks.start(ctx, id, "x");
    const exec = takeStreams(execPipes);
    const [said, execSaid] = [gather(stdout), gather(exec.stdout)];
    const pid = await bridgePid(socketPath());
    await daemon.kill();
    stdin.write("one\n");
    exec.stdin.write("1\n");
    await until("the answers", () => said() === "got one\n" && execSaid() === "got 1\n");
    daemon = await daemon.restart();
    client = dial();
    expect(await bridgePids(socketPath())).toEqual([pid]);
    for (const [execId, input] of [
      ["x", exec.stdin],
      ["", stdin],
    ] as const) {
      input.end("last\n");
      await client.tasks.closeIO(ctx, id, execId, { stdin: true });
      expect(await client.tasks.wait(ctx, id, execId)).toMatchObject({ exitStatus: 0 });
      if (execId !== "") await client.tasks.deleteProcess(ctx, id, execId);
    }
    await client.tasks.delete(ctx, id);
    expect(said()).toBe("got one\ngot last\nend\n");
    expect(execSaid()).toBe("got 1\ngot last\nend\n");
    await client.containers.delete(ctx, id);
  });

  test("daemon and bridge killed: the task goes on, and the next daemon has its stdio", async () => {
    await using own = new DisposeScope();
    const script = "trap 'echo asked' USR1; while :; do sleep 1000 & wait; done";
    const { ctx, id, pipes, stdout } = await launch(own, "both", ["sh", "-c", script]);
    const pid = await bridgePid(socketPath());
    await daemon.kill();
    if (pid !== undefined) process.kill(pid, SIGKILL);
    expect(await text(stdout)).toBe("");
    daemon = await daemon.restart();
    client = dial();
    expect(await client.tasks.get(ctx, id, "")).toMatchObject({ status: "running" });
    await until("another bridge", () => bridgePid(socketPath()));
    const again = own.use(FifoEnds.attach(pipes.stdio)).streams().stdout;
    if (again === undefined) throw new Error("the pipe is gone");
    const said = gather(again);
    await until("an answer", async () => {
      await client.tasks.kill(ctx, id, "", { signal: 10, all: false });
      return said().includes("asked\n");
    });
    await client.tasks.kill(ctx, id, "", { signal: SIGKILL, all: false });
    expect(await client.tasks.wait(ctx, id, "")).toMatchObject({ exitStatus: 137 });
    await client.tasks.delete(ctx, id);
    await client.containers.delete(ctx, id);
    expect(await engine.must(["ps", "-aq"])).toBe("");
  });
});
