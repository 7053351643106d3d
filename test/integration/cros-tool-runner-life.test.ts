// The life of a cros-tool-runner server: its end in order, a crash and the next server on its store, and an engine that goes away.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { failureOf, startRunner, type TestRunner } from "../helpers/cros-tool-runner.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const SLEEP = ["sleep", "600"];
/** Ends when it is told to, which process 1 does not by itself. */
const WAIT = ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"];

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("a server", () => {
  const scope = new DisposeScope();
  let engine: DockerEngine;

  beforeAll(async () => {
    engine = await startEngine(scope, { liveRestore: true });
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const start = (runner: TestRunner, name: string, network = "") =>
    runner.start({ name, containerImage: BUSYBOX, startCommand: WAIT, additionalOptions: { network } });
  const isGone = async (name: string) => (await engine.run(["container", "inspect", name])).code !== 0;
  const recordIds = async (runner: TestRunner) => (await runner.client.containers.list({})).map(({ id }) => id);

  test("that is asked to shut down ends, with what it owns, newest first, and nothing else", async () => {
    await using own = new DisposeScope();
    const runner = own.use(await startRunner(engine));
    await engine.must(["network", "create", "theirs"]);
    const foreign = await engine.must(["run", "-d", "--name", "foreign", BUSYBOX, ...SLEEP]);
    await runner.createNetwork("ours");
    for (const name of ["first", "second", "third"]) await start(runner, name, "ours");
    expect(await runner.shutdown()).toMatchObject({});
    await until("the end to be asked for", () => runner.shutdowns() === 1);
    await runner[Symbol.asyncDispose]();

    expect(await engine.must(["ps", "-aq", "--no-trunc"])).toBe(foreign);
    const networks = await engine.must(["network", "ls", "--format", "{{.Name}}"]);
    expect(networks.split("\n").sort()).toEqual(["bridge", "host", "none", "theirs"]);
    const format = '{{index .Actor.Attributes "name"}}';
    const died = ["events", "--since", "1h", "--until", "0s", "--filter", "event=die", "--format", format];
    // It tells of whole seconds that are over.
    await until("three ends", async () => (await engine.must(died)).split("\n").length === 3);
    expect(await engine.must(died)).toBe("third\nsecond\nfirst");
    await engine.must(["rm", "-f", foreign]);
  });

  test("goes on after one that crashed: what ended meanwhile goes, what runs is nobody's", async () => {
    await using own = new DisposeScope();
    const dir = await tempDir(own);
    const crashing = await startRunner(engine, { dir });
    await start(crashing, "over");
    const running = await start(crashing, "running");
    const net = await crashing.createNetwork("crashed");
    // As if the crash had come between the record and its task.
    await crashing.client.containers.create({}, { ...(await crashing.client.containers.get({}, "over")), id: "half" });
    await crashing.abandon();
    expect((await engine.must(["ps", "--format", "{{.Names}}"])).split("\n").sort()).toEqual(["over", "running"]);
    await engine.must(["stop", "over"]);

    const next = own.use(await startRunner(engine, { dir }));
    await until("what is over to go", async () => (await recordIds(next)).join() === "running");
    expect(await isGone("over")).toBe(true);
    expect(await next.getContainer("running")).toMatchObject({ id: running?.id, owned: false });
    expect(await next.getNetwork("crashed")).toMatchObject({ id: net?.id, owned: false });
    expect((await failureOf(start(next, "running"))).code).toBe("ALREADY_EXISTS");
    expect(await start(next, "over")).toMatchObject({ owned: true });
    await engine.must(["stop", "running"]);
    await until("the record to go", async () => (await recordIds(next)).join() === "over");
    expect(await isGone("running")).toBe(true);
    expect(await start(next, "running")).toMatchObject({ owned: true });
    await next[Symbol.asyncDispose]();
    expect(await engine.must(["ps", "-aq"])).toBe("");
    await engine.must(["network", "rm", "crashed"]);
  });

  test("says so while its engine is away, and goes on with it", async () => {
    await using own = new DisposeScope();
    const runner = own.use(await startRunner(engine));
    const made = await start(runner, "lasting");
    await start(runner, "ending");
    await engine.kill9();
    const away = { code: "UNKNOWN", message: expect.stringContaining(`docker engine at ${engine.host}`) };
    expect(await failureOf(runner.getNetwork("bridge"))).toMatchObject(away);
    expect(await failureOf(runner.createNetwork("away"))).toMatchObject(away);
    expect(await failureOf(runner.getContainer("lasting"))).toMatchObject(away);
    expect(await failureOf(start(runner, "other"))).toMatchObject(away);
    await engine.restart();
    expect(await runner.getContainer("lasting")).toEqual(made);
    await engine.must(["stop", "ending"]);
    await until("its record to go", async () => (await recordIds(runner)).join() === "lasting");
    await runner[Symbol.asyncDispose]();
    expect(await engine.must(["ps", "-aq"])).toBe("");
  });
});
