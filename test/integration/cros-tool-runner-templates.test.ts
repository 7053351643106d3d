// Templates on a real engine, with stand-ins for the services: what each kind is started with, how one finds another, and the scripts of
// examples/cros-tool-runner.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  buildStandIns,
  CHOSEN_PORT,
  type RunnerProgram,
  standInGcloud,
  startRunnerProgram,
} from "../helpers/cros-tool-runner-program.js";
import { type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { REGISTRY_USER, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const EXAMPLES = fileURLToPath(new URL("../../examples/cros-tool-runner", import.meta.url));
const IMAGE = "berth.test/services:1";

describe.skipIf(requires.containerd() || requires.binary("dockerd") || requires.binary("docker-registry"))(
  "templates",
  () => {
    const scope = new DisposeScope();
    let engine: DockerEngine;
    let registry: TestRegistry;
    let runner: RunnerProgram;
    let artifacts: string;

    beforeAll(async () => {
      engine = await startEngine(scope);
      registry = await engine.startRegistry({ needsPassword: true });
      await buildStandIns(engine, IMAGE);
      await engine.must(["tag", IMAGE, "busybox"]);
      artifacts = await tempDir(scope);
      const env = { PATH: await standInGcloud(await tempDir(scope)) };
      runner = await startRunnerProgram(scope, engine, { env });
    });
    afterAll(() => scope[Symbol.asyncDispose]());
    afterEach(async () => {
      const left = (await engine.must(["ps", "-aq"])).split("\n").filter((id) => id !== "");
      if (left.length > 0) await engine.must(["rm", "-f", ...left]);
      // The server notices, and the names are free again.
      await until("the records to be removed", async () => (await runner.client.containers.list({})).length === 0);
    });

    /** What a stand-in has written into a folder that it was given. */
    const called = (folder: string, file = "called"): Promise<string> =>
      until(`${folder} to be written to`, async () => (await readFile(join(folder, file), "utf8")).trim());

    const start = (template: string, artifactDir: string, more = "name: 'one'"): Promise<string> =>
      runner.ask(
        "StartTemplatedContainer",
        `container_image: '${IMAGE}' artifact_dir: '${artifactDir}' template { ${template} } ${more}`,
      );

    test.each([
      [
        "cros_dut",
        "cros_dut { dut_address { address: 'd' port: 22 } cache_server { address: 'c' port: 33 } }",
        "cros-dut -dut_address d:22 -cache_address c:33 -port 80",
        "80",
      ],
      [
        "cros_provision",
        "cros_provision { input_request { } }",
        "cros-provision server -metadata /tmp/provisionservice/in.json -port 80",
        "80",
      ],
      [
        "cros_publish_gcs",
        "cros_publish { publish_type: PUBLISH_GCS publish_src_dir: '/tmp' }",
        "gcs-publish server -port 43147",
        "43147",
      ],
      [
        "cros_publish_tko",
        "cros_publish { publish_type: PUBLISH_TKO publish_src_dir: '/tmp' }",
        "tko-publish server -port 43148",
        "43148",
      ],
      [
        "cros_publish_rdb",
        "cros_publish { publish_type: PUBLISH_RDB publish_src_dir: '/none' }",
        "rdb-publish server -port 43149",
        "43149",
      ],
      [
        "cros_publish_cpcon",
        "cros_publish { publish_type: PUBLISH_CPCON publish_src_dir: '/tmp' }",
        "cpcon-publish server -port 43146",
        "43146",
      ],
      [
        "cros_fw_provision",
        "cros_fw_provision { }",
        "cros-fw-provision server -port 8080 -log-path /tmp/cros-fw-provision",
        "8080",
      ],
      ["cache_server", "cache_server { }", "cacheserver -location /tmp/cacheserver -port 43150", "43150"],
      ["cros_vm_provision", "cros_vm_provision { }", "vm-provision -port 80 -log /tmp/vm-provision", "80"],
      [
        "generic",
        "generic { docker_artifact_dir: '/tmp/out' expose: '9000' binary_name: 'anything' binary_args: 'a b' }",
        "anything a b",
        "9000",
      ],
    ])("%s starts its service, whose port is published", async (name, template, command, port) => {
      const folder = join(artifacts, name);
      expect(await start(template, folder)).toMatch(
        /^container \{\n {2}name: "one"\n {2}id: "[\da-f]{64}"\n {2}owned: true\n\}\n$/,
      );
      expect(await called(folder)).toBe(command);
      const published = await engine.must(["port", "one", port]);
      const hostPort = /^0\.0\.0\.0:(\d+)/.exec(published)?.[1];
      expect(await runner.ask("GetContainer", "name: 'one'")).toContain(
        `port_bindings {\n    container_port: ${port}\n    protocol: "tcp"\n    host_ip: "0.0.0.0"\n    host_port: ${hostPort}\n  }`,
      );
    });

    test("cros_test is given its folders, and owns them", async () => {
      const folder = join(artifacts, "cros_test");
      await start("cros_test { }", folder);
      expect(await called(join(folder, "cros-test/results"))).toBe("cros-test server -port 8001");
      expect(await called(join(folder, "cros-test/cros-test"))).toBe("cros-test server -port 8001");
      expect(await called(join(folder, "cros-test/results"), "sudo")).toBe(
        "sudo --non-interactive chown -R chromeos-test:chromeos-test /tmp/test",
      );
    });

    test("results of a run, a key and a token are where the services look for them", async () => {
      const source = join(artifacts, "source");
      await mkdir(join(source, "cros-test-1/cros-test/results"), { recursive: true });
      await start(`post_process { post_process_src_dir: '${source}' }`, join(artifacts, "post"), "name: 'post'");
      expect(await called(join(source, "cros-test-1/cros-test/results"))).toBe("post-process server -port 0");
      await writeFile(join(source, "key.json"), "{}");
      const keyFile = `cache_server { service_account_keyfile: '${source}/key.json' }`;
      await start(keyFile, join(artifacts, "cache"), "name: 'keyed'");
      expect(await called(join(artifacts, "cache"))).toBe("cacheserver -location /tmp/cacheserver -port 43150");
      expect(await engine.must(["exec", "keyed", "cat", "/usr/mount/creds/key.json"])).toBe("{}");
      expect(await engine.must(["inspect", "-f", "{{json .Config.Cmd}}", "keyed"])).toContain(
        "export GOOGLE_APPLICATION_CREDENTIALS=/usr/mount/creds/key.json && cacheserver ",
      );
      await start("cros_vm_provision { }", join(artifacts, "vm"), "name: 'virtual'");
      expect(await engine.must(["exec", "virtual", "cat", "/tmp/vm-provision/authToken.txt"])).toBe(
        REGISTRY_USER.secret,
      );
    });

    test("a service that chose its port is asked for it: its own address on a bridge, localhost on the host's network", async () => {
      await runner.ask("CreateNetwork", "name: 'discovery'");
      await start("post_process { }", join(artifacts, "found"), "name: 'bridged' network: 'discovery'");
      await called(join(artifacts, "found"));
      const ip = await engine.must([
        "inspect",
        "-f",
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        "bridged",
      ]);
      const told = (hostIp: string) => `host_ip: "${hostIp}"\n    host_port: ${CHOSEN_PORT}\n`;
      expect(ip).not.toBe("");
      await until("its port", async () => (await runner.ask("GetContainer", "name: 'bridged'")).includes(told(ip)));
      await start("cros_fw_provision { }", join(artifacts, "fw"), "name: 'hosted' network: 'host'");
      await until("the other's", async () =>
        (await runner.ask("GetContainer", "name: 'hosted'")).includes(told("localhost")),
      );
    });

    test.each([
      ["cros_test_finder { }", 12, "cros_test_finder to be implemented"],
      ["", 3, "No template set in the request"],
      [
        "cros_provision { input_request { dut_server { address: 'ctr-localhost-port://gone' } } }",
        5,
        "Cannot retrieve container ID with name gone",
      ],
    ])("%j is refused", async (template, code, message) => {
      const request = `name: 'one' container_image: '${IMAGE}' artifact_dir: '${artifacts}/no' template { ${template} }`;
      await expect(runner.ask("StartTemplatedContainer", request)).rejects.toMatchObject({ code, message });
    });

    /** A file of examples/, with the test's registry and folder in place of those that it names; its images are in the registry. */
    async function example(name: string): Promise<string> {
      const text = (await readFile(join(EXAMPLES, name), "utf8"))
        .replaceAll("us-docker.pkg.dev", registry.host)
        .replaceAll("/tmp/cros-tool-runner-example", join(artifacts, name));
      const images = new Set(text.match(/(?<=container_image: ")[^"]+/g));
      if (images.size > 0)
        await engine.must(["login", "-u", REGISTRY_USER.username, "-p", REGISTRY_USER.secret, registry.host]);
      for (const image of images) {
        await engine.must(["tag", IMAGE, image]);
        await engine.must(["push", image]);
        // So that the server has to pull it, with the login of the script.
        await engine.must(["rmi", image]);
      }
      return text;
    }

    const EXPECTED: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
      "networks.textproto": [["", "cros-dut -dut_address dut_address:2222 -cache_address localhost:7443 -port 80"]],
      "templates-bridge.textproto": [
        ["dut", "cros-dut -dut_address dut_address:22 -cache_address cache_address:33 -port 80"],
        ["provision", "cros-provision server -metadata /tmp/provisionservice/in.json -port 80"],
        ["test/cros-test/results", "cros-test server -port 8001"],
      ],
      "templates-host.textproto": [
        ["dut", "cros-dut -dut_address localhost:2226 -cache_address localhost:33 -port 0"],
        ["provision", "cros-provision server -metadata /tmp/provisionservice/in.json -port 0"],
        ["test/cros-test/results", "cros-test server -port 0"],
      ],
      "host-containers.textproto": [
        ["dut", "cros-dut -dut_address localhost:2226 -cache_address localhost:33 -port 30080"],
        ["provision", "cros-provision server -metadata /tmp/provisionservice/in.json -port 30081"],
        ["test/results", "cros-test server -port 30082"],
      ],
    };

    test.each(Object.entries(EXPECTED))("the example %s", async (name, commands) => {
      const stack = await runner.ask("StackCommands", await example(name));
      expect(stack.split("\n").slice(0, 5).join("\n")).toBe(
        'responses {\n  login_registry {\n    message: "Login Succeeded"\n  }\n}',
      );
      expect(stack.match(/start_container/g)).toHaveLength(commands.length);
      for (const [folder, command] of commands) expect(await called(join(artifacts, name, folder))).toBe(command);
      const input = await readFile(join(artifacts, name, "provision/in.json"), "utf8").catch(() => "{}");
      const { dutServer } = JSON.parse(input) as { dutServer?: unknown };
      expect(dutServer).toEqual(
        {
          "templates-bridge.textproto": { address: "my-cros-dut", port: 80 },
          "templates-host.textproto": { address: "localhost", port: CHOSEN_PORT },
        }[name],
      );
    });

    test("the example local-image.json, and there is no other", async () => {
      const reply = await runner.ask(
        "StartContainer",
        await readFile(join(EXAMPLES, "local-image.json"), "utf8"),
        "json",
      );
      expect(JSON.parse(reply)).toEqual({
        container: { name: "hello", id: expect.stringMatching(/^[\da-f]{64}$/), owned: true },
      });
      await until("its word", async () => (await engine.must(["logs", "hello"])) === "hello");
      const files = (await readdir(EXAMPLES)).sort();
      expect(files).toEqual(["README.md", ...Object.keys(EXPECTED), "local-image.json"].sort());
    });
  },
);
