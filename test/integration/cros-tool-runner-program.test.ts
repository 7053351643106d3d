// The program cros-tool-runner: its flags, where it listens, how calls are typed and answered, what it refuses, and how it ends.
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { HealthClient } from "../../api/gen/grpc/health/v1/health.js";
import { ServerReflectionClient } from "../../api/gen/grpc/reflection/v1/reflection.js";
import { ServerReflectionClient as AlphaClient } from "../../api/gen/grpc/reflection/v1alpha/reflection.js";
import { placesIn, type RunnerProgram, runRunner, startRunnerProgram } from "../helpers/cros-tool-runner-program.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { call } from "../helpers/grpc.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const SERVICE = "chromiumos.test.api.CrosToolRunnerContainerService";
const PLAIN = { name: "one", image: BUSYBOX };

/** A start of a program that ends when it is told to. */
const startOf = ({ name, image } = PLAIN, more = ""): string =>
  `name: "${name}" container_image: "${image}" start_command: ["sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"] ${more}`;

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("the program cros-tool-runner", () => {
  const scope = new DisposeScope();
  let engine: DockerEngine;
  let runner: RunnerProgram;
  let dir: string;

  beforeAll(async () => {
    engine = await startEngine(scope);
    dir = await tempDir(scope);
    // Go's spelling of a flag, and one that takes a port behind the first.
    runner = await startRunnerProgram(scope, engine, { args: ["-port", "0", "-export-metadata", join(dir, "meta")] });
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  /** Runs `serve` to its end. */
  const serve = async (...args: string[]) =>
    await runRunner(["serve", "--docker-host", engine.host, ...placesIn(await tempDir(scope)), ...args]);

  test("its first line is the address, and its metadata are what a shell can read", async () => {
    expect(runner.program.stdout()).toBe(`server listening at ${runner.address}\n`);
    expect(runner.address).toMatch(/^127\.0\.0\.1:\d+$/);
    const port = runner.address.split(":")[1];
    expect(await readFile(join(dir, "meta/.cftmeta"), "utf8")).toMatch(
      new RegExp(
        `^SERVICE_PORT=${port}\\nSERVICE_NAME=CTRv2\\nSERVICE_START_TIME=\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\\n$`,
      ),
    );
  });

  describe("where it listens", () => {
    const answers = (host: string, port: string | undefined): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect({ host, port: Number(port) });
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
      });

    test("is one address of loopback, and all of them only on demand; its metadata stand behind another's", async () => {
      expect(await answers("127.0.0.2", runner.address.split(":")[1])).toBe(false);
      await using own = new DisposeScope();
      await writeFile(join(dir, ".cftmeta"), "OTHER=1\n");
      const open = await startRunnerProgram(own, engine, { args: ["--listen", "0.0.0.0", "--export-metadata", dir] });
      expect(open.address).toMatch(/^0\.0\.0\.0:\d+$/);
      const port = open.address.split(":")[1];
      expect(await answers("127.0.0.2", port)).toBe(true);
      const lines = (await readFile(join(dir, ".cftmeta"), "utf8")).split("\n");
      expect(lines.slice(0, 2)).toEqual(["OTHER=1", `SERVICE_PORT=${port}`]);
    });

    test("is not where another server is, and then nothing is left behind", async () => {
      const folder = await tempDir(scope);
      const places = placesIn(folder);
      const port = runner.address.split(":")[1] ?? "";
      const refused = await runRunner(["serve", "--port", port, "--docker-host", engine.host, ...places]);
      expect(refused).toMatchObject({
        code: 1,
        stdout: "",
        stderr: `cros-tool-runner: another server is listening on 127.0.0.1:${port}\n`,
      });
      expect((await readdir(folder)).sort()).toEqual(["root", "state"]);
      // The file that is locked while a server has the folder.
      expect(await readdir(join(folder, "state"))).toEqual(["owner.lock"]);
      const inUse = await runRunner(["serve", "--port", "0", ...placesIn(runner.dir)]);
      expect(inUse).toMatchObject({ code: 1, stderr: expect.stringContaining("another server is listening on") });
    });

    test("is refused where it is none, as are other flags", async () => {
      const refusals = new Map([
        [["--port", "x"], '--port takes a number from 0 to 65535, not "x"'],
        [["--port", "70000"], '--port takes a number from 0 to 65535, not "70000"'],
        [
          ["--port", "0", "--listen", "192.0.2.1"],
          "cannot listen on 192.0.2.1:0: this host has no such address: invalid argument",
        ],
        [
          ["--docker-host", "nowhere"],
          "options of the daemon: dockerHost: must be unix:///path or tcp://host:port: invalid argument",
        ],
        [["--nope"], "unknown option '--nope'"],
      ]);
      const results = await Promise.all([...refusals.keys()].map((args) => serve(...args)));
      const wanted = [...refusals.values()].map((message) => ({
        ...{ code: 2, signal: null, stdout: "" },
        stderr: `cros-tool-runner: ${message}\n`,
      }));
      expect(results).toEqual(wanted);
    });
  });

  describe("call and ls", () => {
    test("know full and short names, files, standard input, and JSON", async () => {
      const { id } = JSON.parse(await engine.must(["network", "inspect", "-f", '{"id":"{{.Id}}"}', "bridge"]));
      const text = `network {\n  name: "bridge"\n  id: "${id}"\n}\n`;
      const frame = `connecting to ${runner.address}\nRpc succeeded with OK status\n`;
      await writeFile(join(dir, "bridge.textproto"), '# the engine\'s own\nname: "bridge"\n');
      await writeFile(join(dir, "bridge.json"), '{"name": "bridge"}');
      const byText = await Promise.all([
        runner.call(`${SERVICE}.GetNetwork`, "name: 'bridge'"),
        runner.call(`/${SERVICE}/GetNetwork`, "name: 'bridge'"),
        runner.call("GetNetwork", "-infile", join(dir, "bridge.textproto")),
        runRunner(["call", "-address", runner.address, "GetNetwork", "--infile=-"], { input: "name: 'bridge'" }),
      ]);
      for (const result of byText) expect(result).toMatchObject({ code: 0, stdout: text, stderr: frame });
      const byJson = await Promise.all([
        runner.call("GetNetwork", "--infile", join(dir, "bridge.json")),
        runner.call("GetNetwork", "--format", "json", '{"name": "bridge"}'),
      ]);
      for (const { stdout } of byJson) expect(JSON.parse(stdout)).toEqual({ network: { name: "bridge", id } });
    });

    test("ls tells the RPCs in their order", async () => {
      const { stdout } = await runRunner(["ls", "--address", runner.address]);
      expect(stdout.split("\n")).toEqual([
        ...["CreateNetwork", "GetNetwork", "Shutdown", "LoginRegistry", "StartContainer", "StartTemplatedContainer"],
        ...["StackCommands", "GetContainer", ""],
      ]);
    });

    test("a mistake in a file is told with its place, and nothing is called", async () => {
      const file = join(dir, "bad.textproto");
      await writeFile(file, 'requests {\n  create_network { nam: "never" }\n}\n');
      expect(await runner.call("StackCommands", "--infile", file)).toMatchObject({
        code: 2,
        stdout: "",
        stderr: `connecting to ${runner.address}\ncros-tool-runner: ${file}:2:20: chromiumos.test.api.CreateNetworkRequest has no field "nam"\n`,
      });
    });

    test("other mistakes are told without a call, too", async () => {
      const mistakes = new Map([
        [["GetNetwork", "name: 3"], 'request:1:7: a string is due, not "3"'],
        [["GetNetwork", "--format", "json", "{"], "request:"],
        [["GetNetwork", "--format", "yaml", "x"], '--format is textproto or json, not "yaml"'],
        [
          ["GetNetwork", "name: 'a'", "--infile", "x"],
          "the request comes from --infile or stands behind the RPC, not both",
        ],
        [["GetNetwork", "--infile", "/none"], "cannot read /none: ENOENT"],
        [["Nope"], "no RPC Nope; there are CreateNetwork, GetNetwork, "],
      ]);
      const results = await Promise.all([...mistakes.keys()].map(([rpc = "", ...args]) => runner.call(rpc, ...args)));
      const wanted = [...mistakes.values()].map((message) => ({
        ...{ code: 2, signal: null, stdout: "" },
        stderr: expect.stringContaining(`cros-tool-runner: ${message}`),
      }));
      expect(results).toEqual(wanted);
    });

    test("what fails is told in grpc_cli's words; of a stack also what came before", async () => {
      expect(await runner.call("GetContainer", "name: 'gone'")).toMatchObject({
        code: 1,
        stdout: "",
        stderr: `connecting to ${runner.address}\nRpc failed with status code 5, error message: Cannot retrieve container ID with name gone\n`,
      });
      const stack = "requests { create_network { name: 'half' } } requests { create_network { } }";
      const { code, stdout, stderr } = await runner.call("StackCommands", stack);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(
        /status code 3, error message: Missing name\nRequest 2 of the stack failed\. Before it:\nresponses \{\n {2}create_network \{\n {4}network \{\n {6}name: "half"\n/,
      );
      expect(await runner.call("no.Such.Call")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("cros-tool-runner: service no.Such (the server says: "),
      });
      const nobody = await runRunner(["call", "--address", "127.0.0.1:1", "GetNetwork", "name: 'bridge'"]);
      expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining("Rpc failed with status code 14") });
      expect(await runRunner(["ls", "--address", "127.0.0.1:1"])).toMatchObject({ code: 1, stdout: "" });
    });
  });

  test("its health is asked for, and reflection of both versions knows just what it serves", async () => {
    const health = new HealthClient(runner.address, credentials.createInsecure());
    scope.defer(() => health.close());
    expect(await call(health, health.check, { service: "" }, new Metadata())).toMatchObject({ status: 1 });
    for (const Reflection of [ServerReflectionClient, AlphaClient]) {
      const client = new Reflection(runner.address, credentials.createInsecure());
      scope.defer(() => client.close());
      const stream = client.serverReflectionInfo();
      stream.write({ host: "", messageRequest: { $case: "listServices", value: "" } });
      stream.write({
        host: "",
        messageRequest: { $case: "fileContainingSymbol", value: "containerd.services.tasks.v1.Tasks" },
      });
      stream.end();
      const replies: unknown[] = [];
      for await (const { messageResponse } of stream) replies.push(messageResponse);
      const names = [
        SERVICE,
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
      ];
      expect(replies).toMatchObject([
        {
          $case: "listServicesResponse",
          value: { service: expect.arrayContaining(names.map((name) => expect.objectContaining({ name }))) },
        },
        { $case: "errorResponse", value: { errorCode: 5 } },
      ]);
      expect(replies).toMatchObject([{ value: { service: { length: names.length } } }, {}]);
    }
  });

  test("its containers and tasks are berth's too, on its own socket", async () => {
    await runner.ask("StartContainer", startOf());
    expect((await runner.berth.run(["containers", "ls"])).stdout).toMatch(
      new RegExp(`^one +${BUSYBOX} +io\\.berth\\.docker\\.v1`, "m"),
    );
    expect((await runner.berth.run(["tasks", "ls"])).stdout).toMatch(/^one +\d+ +RUNNING/m);
    const { stdout } = await runner.berth.run(["tasks", "exec", "--exec-id", "x", "one", "echo", "from inside"]);
    expect(stdout).toBe("from inside\n");
    await runner.berth.run(["tasks", "kill", "one"]);
    await until("the container to be removed", async () => (await engine.must(["ps", "-aq"])) === "");
  });

  test("without an engine it serves, and says where it looked", async () => {
    await using own = new DisposeScope();
    const alone = await startRunnerProgram(own, { host: "unix:///none.sock" });
    expect(await alone.call("GetNetwork", "name: 'bridge'")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/status code 2, error message: docker engine at unix:\/\/\/none\.sock: .*ENOENT/),
    });
  });

  describe("told to end", () => {
    test.each(["SIGTERM", "SIGINT"] as const)(
      "by %s it lets calls finish, stops its containers newest first, removes its networks and nothing else",
      async (signal) => {
        await using own = new DisposeScope();
        const name = signal.toLowerCase();
        const release = join(dir, `${name}-go`);
        const path = await slowGcloud(join(dir, name), release);
        const server = await startRunnerProgram(own, engine, { env: { PATH: path } });
        await server.ask("CreateNetwork", `name: "${name}"`);
        await server.ask(
          "StartContainer",
          startOf({ ...PLAIN, name: `${name}-old` }, `additional_options { network: "${name}" }`),
        );
        await server.ask("StartContainer", startOf({ ...PLAIN, name: `${name}-new` }));
        const foreign = await engine.must(["run", "-d", "--rm", "--name", `${name}-foreign`, BUSYBOX, "sleep", "1000"]);
        const events = own.use(
          await engine.start(["events", "--filter", "event=die", "--format", "{{.Actor.Attributes.name}}"]),
        );
        const login = `username: "u" password: "$(gcloud auth print-access-token)" registry: "127.0.0.1:1"`;
        const running = server.ask("LoginRegistry", login).catch((error: unknown) => error);
        await until("gcloud to run", () => readFile(`${release}.asked`, "utf8").then(() => true));
        server.program.signal(signal);
        await until("the server to be ending", () => server.program.stderr().includes("stopping"));
        await writeFile(release, "");
        // It reached the registry, which is not there; it was not cut off.
        expect(await running).toMatchObject({ code: 2, message: expect.stringContaining("127.0.0.1:1") });
        expect(await server.program.result).toMatchObject({ code: 0, signal: null });
        await events.waitForOutput(new RegExp(`^${name}-new\\n${name}-old\\n`));
        expect(await engine.must(["ps", "-aq", "--no-trunc"])).toBe(foreign);
        await engine.must(["rm", "-f", foreign]);
        expect(await engine.must(["network", "ls", "--format", "{{.Name}}"])).not.toContain(name);
      },
    );

    test("twice, it ends at once", async () => {
      await using own = new DisposeScope();
      const release = join(dir, "never");
      const server = await startRunnerProgram(own, engine, {
        env: { PATH: await slowGcloud(join(dir, "twice"), release) },
      });
      const login = `username: "u" password: "$(gcloud auth print-access-token)" registry: "127.0.0.1:1"`;
      const running = server.ask("LoginRegistry", login).catch((error: unknown) => error);
      await until("gcloud to run", () => readFile(`${release}.asked`, "utf8").then(() => true));
      server.program.signal("SIGTERM");
      await until("the server to be ending", () => server.program.stderr().includes("stopping"));
      server.program.signal("SIGTERM");
      expect(await server.program.result).toMatchObject({ code: 130 });
      expect(await running).toMatchObject({ code: 14 });
      await writeFile(release, "");
    });
  });
});

/** A gcloud that says at `<release>.asked` that it runs, and ends when `release` is there. @returns a PATH that finds it */
async function slowGcloud(folder: string, release: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "gcloud");
  await writeFile(
    file,
    `#!/bin/sh\ntouch "${release}.asked"\nwhile [ ! -e "${release}" ]; do sleep 0.05; done\necho token\n`,
  );
  await chmod(file, 0o755);
  return `${folder}:${process.env["PATH"]}`;
}
