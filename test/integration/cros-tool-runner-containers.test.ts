// Containers of the cros-tool-runner service on a real engine: what a start makes, who finds whom, and what goes when.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { StackCommandsResponse } from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { failureOf, startRunner, type TestRunner } from "../helpers/cros-tool-runner.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { REGISTRY_USER } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const ID = /^[\da-f]{64}$/;
const SLEEP = ["sleep", "600"];
/** Runs on and ends when it is told to, which process 1 does not by itself. */
const endable = (command: string): string[] => ["sh", "-c", `trap 'exit 0' TERM; ${command} & wait`];
const WAIT = endable("sleep 600");

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("a container of the service", () => {
  const scope = new DisposeScope();
  let engine: DockerEngine;
  let runner: TestRunner;

  beforeAll(async () => {
    engine = await startEngine(scope);
    runner = scope.use(await startRunner(engine, { env: { FROM_SERVER: "its value" } }));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const start = (name: string, startCommand: string[], additionalOptions = {}, more = {}) =>
    runner.start({ name, containerImage: BUSYBOX, startCommand, additionalOptions, ...more });
  const inspect = (name: string, format: string) => engine.must(["inspect", "-f", format, name]);
  const isGone = (name: string) =>
    until(`${name} to go`, async () => (await engine.run(["container", "inspect", name])).code !== 0);

  describe("when it is started", () => {
    test("runs, is ours, and is a record and a task of the daemon", async () => {
      const made = await start("plain", WAIT);
      expect(made).toMatchObject({ name: "plain", id: expect.stringMatching(ID), owned: true, portBindings: [] });
      expect(await runner.getContainer("plain")).toEqual(made);
      expect(await inspect("plain", "{{.Id}} {{.State.Running}} {{json .Config.Cmd}}")).toBe(
        `${made?.id} true ${JSON.stringify(WAIT)}`,
      );
      expect(await runner.client.containers.get({}, "plain")).toMatchObject({
        image: BUSYBOX,
        labels: { "ctr.name": "plain", "ctr.owner": expect.stringMatching(/^[\da-f]{16}$/) },
        runtime: { name: "io.berth.docker.v1" },
      });
      expect(await runner.client.tasks.get({}, "plain", "")).toMatchObject({ status: "running" });
    });

    test("finds another by its name on the network that both are on", async () => {
      const shared = join(engine.dir, "shared");
      await mkdir(shared);
      await writeFile(join(shared, "index.html"), "a page\n");
      const net = await runner.createNetwork("lab");
      const options = { network: "lab", volume: [`${shared}:/shared`] };
      await start("web", endable("httpd -f -p 80 -h /shared"), options);
      const ask = "until wget -qO /shared/answer http://web/; do sleep 0.1; done";
      await start("asker", ["sh", "-c", ask], options);
      await isGone("asker");
      expect(await readFile(join(shared, "answer"), "utf8")).toBe("a page\n");
      expect(await inspect("web", "{{.NetworkSettings.Networks.lab.NetworkID}}")).toBe(net?.id);
    });

    test.each(["80", "80/tcp"])("publishes the port %s that it exposes", async (port) => {
      await engine.must(["rm", "-f", "published"]).catch(() => undefined);
      await start("published", endable("httpd -f -p 80 -h /etc"), { expose: [port] });
      const bindings = (await runner.getContainer("published"))?.portBindings ?? [];
      expect(bindings).toMatchObject([
        { containerPort: 80, protocol: "tcp", hostIp: "0.0.0.0", hostPort: expect.any(Number) },
      ]);
      const url = `http://127.0.0.1:${bindings[0]?.hostPort}/passwd`;
      await until("the page", async () => (await engine.inNetwork(["busybox", "wget", "-qO-", url])).code === 0);
    });

    test("gets volumes and variables, those named alone with the server's own value", async () => {
      const folder = join(engine.dir, "volumes");
      await mkdir(folder);
      const script = "env > /out/env; touch /in/x; echo $? > /out/status; touch /made/file";
      await start("equipped", ["sh", "-c", script], {
        volume: [`${folder}:/out`, `${folder}:/in:ro`, `${folder}/deep/er:/made`, ""],
        env: ["GIVEN=a=b", "FROM_SERVER", "NOT_THERE", ""],
      });
      await isGone("equipped");
      const env = (await readFile(join(folder, "env"), "utf8")).split("\n");
      expect(env).toEqual(expect.arrayContaining(["GIVEN=a=b", "FROM_SERVER=its value", "PATH=/bin"]));
      expect(env.filter((line) => line.startsWith("NOT_THERE"))).toEqual([]);
      expect(await readFile(join(folder, "status"), "utf8")).toBe("1\n");
      expect(await readdir(join(folder, "deep", "er"))).toEqual(["file"]);
    });

    test("may have the engine's own folder in one of its volumes", async () => {
      expect(await start("curious", ["ls", "/host"], { volume: [`${engine.dir}:/host`] })).toMatchObject({
        owned: true,
      });
      await isGone("curious");
    });

    test("has its image's entrypoint in front of the command, and the image's user and folder", async () => {
      await engine.buildImage("berth.test/entry:1", {
        instructions: ['ENTRYPOINT ["/bin/sh", "-c"]', "USER 7:8", "WORKDIR /tmp"],
      });
      await runner.start({
        name: "entered",
        containerImage: "berth.test/entry:1",
        startCommand: [`echo "$(id -u) $PWD"; ${WAIT.at(-1)}`],
      });
      await until("its words", async () => (await engine.must(["logs", "entered"])) === "7 /tmp");
    });

    test("may have a name that the store has no room for", async () => {
      for (const name of ["two__lines", `long-${"x".repeat(100)}`]) {
        const made = await start(name, WAIT);
        expect(await runner.getContainer(name)).toEqual(made);
        const [record] = await runner.client.containers.list({}, [`labels."ctr.name"==${name}`]);
        expect(record?.id).toMatch(/^ctr-[\da-f]{12}$/);
      }
    });
  });

  describe("when its command ends", () => {
    test("it goes, and record and task go with it", async () => {
      expect(await start("short", ["true"])).toMatchObject({ owned: true });
      await isGone("short");
      await until(
        "the record to go",
        async () => (await runner.client.containers.list({}, ["id==short"])).length === 0,
      );
      expect(await failureOf(runner.getContainer("short"))).toMatchObject({
        code: "NOT_FOUND",
        message: "Cannot retrieve container ID with name short",
      });
    });

    test("it goes as well when others stop or remove it", async () => {
      await start("stopped", WAIT);
      await engine.must(["stop", "stopped"]);
      await isGone("stopped");
      await start("removed", WAIT);
      await engine.must(["rm", "-f", "removed"]);
      await until("the records to go", async () => {
        const records = await runner.client.containers.list({}, ["id==stopped", "id==removed"]);
        return records.length === 0;
      });
    });
  });

  describe("is refused", () => {
    test.each([
      ["without a name", { name: "" }, "INVALID_ARGUMENT", "Missing name"],
      ["without an image", { containerImage: "" }, "INVALID_ARGUMENT", "Missing container_image"],
      ["without a command", { startCommand: [] }, "INVALID_ARGUMENT", "Missing start_command"],
      [
        "with two ports",
        { additionalOptions: { expose: ["80", "81"] } },
        "UNIMPLEMENTED",
        "Exposing multiple ports are not supported",
      ],
      [
        "with a range of ports",
        { additionalOptions: { expose: ["80-90"] } },
        "UNIMPLEMENTED",
        "Exposing a range of ports are not supported",
      ],
      [
        "with half a volume",
        { additionalOptions: { volume: ["/only-one"] } },
        "INVALID_ARGUMENT",
        "Volume /only-one is not of the form /HOST:/CONTAINER[:MODE]",
      ],
      ["with a program that is not there", { startCommand: ["/no/such"] }, "UNKNOWN", /no such file or directory/],
      [
        "on a network that is not there",
        { additionalOptions: { network: "nowhere" } },
        "UNKNOWN",
        /network nowhere not found/,
      ],
      ["with a name that Docker does not take", { name: "-x" }, "UNKNOWN", /name/],
      [
        "with an image that is nowhere",
        { containerImage: "127.0.0.1:1/nothing:1" },
        "UNKNOWN",
        /^Error response from daemon: Get .*connection refused/,
      ],
    ])("%s", async (_, change, code, message) => {
      const request = { name: "refused", containerImage: BUSYBOX, startCommand: SLEEP, ...change };
      expect(await failureOf(runner.start(request))).toMatchObject({
        code,
        message: typeof message === "string" ? message : expect.stringMatching(message),
      });
      expect(await runner.client.containers.list({}, ["id==refused"])).toEqual([]);
      expect((await engine.run(["container", "inspect", "refused"])).code).not.toBe(0);
    });
  });

  describe("of a name that is taken", () => {
    test("replaces ours", async () => {
      const first = await start("twice", WAIT);
      const second = await start("twice", WAIT);
      expect(second?.id).not.toBe(first?.id);
      expect(await runner.getContainer("twice")).toEqual(second);
      expect((await engine.run(["container", "inspect", first?.id ?? ""])).code).not.toBe(0);
    });

    test("replaces what has ended, and leaves what runs or is yet to run to its owner", async () => {
      await engine.must(["run", "--name", "theirs", BUSYBOX, "true"]);
      expect(await start("theirs", WAIT)).toMatchObject({ owned: true });
      for (const verb of ["run -d", "create"]) {
        const words = [...verb.split(" "), "--name", "foreign", BUSYBOX, ...SLEEP];
        const id = await engine.must(words);
        expect(await failureOf(start("foreign", WAIT))).toMatchObject({
          code: "ALREADY_EXISTS",
          message: `Conflict. The container name "/foreign" is already in use by container "${id}".`,
        });
        expect(await runner.getContainer("foreign")).toMatchObject({ id, owned: false });
        await engine.must(["rm", "-f", id]);
      }
    });

    test("leaves a record alone that others made", async () => {
      const plain = await runner.client.containers.get({}, "plain");
      const theirs = await runner.client.containers.create(
        {},
        { id: "noted", spec: plain.spec, runtime: plain.runtime },
      );
      expect((await failureOf(start("noted", WAIT))).code).toBe("ALREADY_EXISTS");
      expect(await runner.client.containers.get({}, "noted")).toEqual(theirs);
    });

    test("is another than one whose id begins so", async () => {
      const id = await engine.must(["run", "-d", BUSYBOX, ...SLEEP]);
      await start(id.slice(0, 12), WAIT);
      expect(await inspect(id, "{{.State.Running}}")).toBe("true");
      await engine.must(["rm", "-f", id]);
    });

    test("is made by one of many who try at a time, and then replaced by the next", async () => {
      const made = await Promise.all(Array.from({ length: 4 }, () => start("crowded", WAIT)));
      const present = await runner.getContainer("crowded");
      expect(present?.owned).toBe(true);
      expect(made.map((container) => container?.id)).toContain(present?.id);
      expect(await engine.must(["ps", "-aq", "--filter", "name=^/crowded$"])).not.toContain("\n");
    });
  });

  test("in a stack stays when a later command fails", async () => {
    const startOf = (name: string, startCommand: string[], network: string) => ({
      command: {
        $case: "startContainer" as const,
        value: { name, containerImage: BUSYBOX, startCommand, additionalOptions: { network } },
      },
    });
    const failure = await failureOf(
      runner.stack([
        { command: { $case: "createNetwork", value: { name: "stacked" } } },
        startOf("kept", WAIT, "stacked"),
        startOf("failing", ["/no/such"], "stacked"),
        startOf("never", WAIT, "stacked"),
      ]),
    );
    expect(failure).toMatchObject({ code: "UNKNOWN", message: expect.stringContaining("/no/such") });
    expect(failure.trailers.get("ctr-failed-index")).toEqual(["2"]);
    const [bytes] = failure.trailers.get("ctr-partial-response-bin");
    const { responses } = StackCommandsResponse.decode(Buffer.from(bytes ?? ""));
    expect(responses.map(({ output }) => output?.value)).toMatchObject([
      { network: await runner.getNetwork("stacked") },
      { container: await runner.getContainer("kept") },
    ]);
    expect((await failureOf(runner.getContainer("failing"))).code).toBe("NOT_FOUND");
    expect((await failureOf(runner.getContainer("never"))).code).toBe("NOT_FOUND");
  });

  describe("of an image in a registry", () => {
    test("is pulled as whoever has logged in", async () => {
      const registry = await engine.startRegistry({ needsPassword: true });
      const image = `${registry.host}/box:1`;
      const credentials = { ...credentialsOf(registry.host) };
      await engine.must(["login", "-u", credentials.username, "--password-stdin", registry.host], {
        input: credentials.password,
      });
      await engine.must(["tag", BUSYBOX, image]);
      await engine.must(["push", image]);
      await engine.must(["rmi", image]);
      const pulled = () => runner.start({ name: "pulled", containerImage: image, startCommand: WAIT });
      expect((await failureOf(pulled())).code).toBe("UNKNOWN");
      await runner.login(credentials);
      expect(await pulled()).toMatchObject({ owned: true });
      const missing = { name: "missing", containerImage: `${registry.host}/box:2`, startCommand: WAIT };
      expect(await failureOf(runner.start(missing))).toMatchObject({
        code: "NOT_FOUND",
        message: expect.stringContaining("manifest unknown"),
      });
      await registry.kill();
      // It is here, so nobody need be asked.
      expect(await pulled()).toMatchObject({ owned: true });
    });
  });
});

const credentialsOf = (registry: string) => ({
  username: REGISTRY_USER.username,
  password: REGISTRY_USER.secret,
  registry,
});
