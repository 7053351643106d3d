// The program cros-tool-runner as its README shows it: the calls one types, with the output they have, on the port they name (of
// a network of the test's own); and what is left of a server that is killed.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { createCli } from "../helpers/cli.js";
import { placesIn, standInGcloud } from "../helpers/cros-tool-runner-program.js";
import { type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { removeEngineLeftovers } from "../helpers/leftovers.js";
import { ownProgram } from "../helpers/own-program.js";
import type { Program, ProgramResult } from "../helpers/program.js";
import { type TestRegistry, TOKEN_USER } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const SERVICE = "chromiumos.test.api.CrosToolRunnerContainerService";
/** The image of the README; nobody reaches its registry from here, so the engine's own counts. */
const CROS_DUT = "us-docker.pkg.dev/cros-registry/test-services/cros-dut:8811903382633993457";
const HEX = "[0-9a-f]{64}";

describe.skipIf(requires.containerd() || requires.binary("dockerd") || requires.binary("docker-registry"))(
  "cros-tool-runner as its README shows it",
  () => {
    const scope = new DisposeScope();
    let engine: DockerEngine;
    let registry: TestRegistry;
    let dir: string;
    let path: string;
    let server: Program;

    const serve = async (): Promise<Program> => {
      const command = [...ownProgram("cros-tool-runner"), "serve", ...placesIn(dir)];
      const env = { DOCKER_HOST: engine.host, PATH: path };
      const started = scope.use(await engine.startInNetwork(command, { env, timeoutMs: 600_000 }));
      scope.defer(() => started.stop());
      await started.waitForOutput(/^server listening at 127\.0\.0\.1:8082\n/);
      return started;
    };
    const runner = (...args: string[]): Promise<ProgramResult> =>
      engine.inNetwork([...ownProgram("cros-tool-runner"), ...args]);
    /** All that a terminal shows. */
    const shown = async (rpc: string, request: string): Promise<string> => {
      const { stdout, stderr } = await runner("call", "--address", "localhost:8082", `${SERVICE}.${rpc}`, request);
      const [first, ...rest] = stderr.split("\n");
      return [first, stdout.trimEnd(), ...rest].filter((line) => line !== "").join("\n");
    };

    beforeAll(async () => {
      engine = await startEngine(scope);
      registry = await engine.startRegistry({ needsPassword: true });
      await engine.buildImage(CROS_DUT, {
        files: {
          "bin/cros-dut": `#!/bin/sh\ntrap 'exit 0' TERM\necho "$0 $*" > /called\nwhile :; do sleep 1000 & wait $!; done\n`,
        },
      });
      dir = await tempDir(scope);
      scope.defer(() => removeEngineLeftovers(join(dir, "c.sock"), join(dir, "state")));
      path = await standInGcloud(dir);
      server = await serve();
    });
    afterAll(() => scope[Symbol.asyncDispose]());

    test("ls", async () => {
      const { stdout } = await runner("ls", "--address", "localhost:8082");
      expect(stdout).toBe(
        "CreateNetwork\nGetNetwork\nShutdown\nLoginRegistry\nStartContainer\nStartTemplatedContainer\nStackCommands\nGetContainer\n",
      );
    });

    test("GetNetwork", async () => {
      expect(await shown("GetNetwork", "name: 'bridge'")).toMatch(
        new RegExp(
          `^connecting to localhost:8082\\nnetwork \\{\\n {2}name: "bridge"\\n {2}id: "${HEX}"\\n\\}\\nRpc succeeded with OK status$`,
        ),
      );
    });

    test("LoginRegistry with a token that the server fetches", async () => {
      const request = `username: '${TOKEN_USER}' password: '$(gcloud auth print-access-token)' registry: '${registry.host}'`;
      expect(await shown("LoginRegistry", request)).toBe(
        'connecting to localhost:8082\nmessage: "Login Succeeded"\nRpc succeeded with OK status',
      );
    });

    test("StartContainer", async () => {
      const request = `name: 'my_container' container_image: '${CROS_DUT}' start_command: ['cros-dut', '-cache_address', 'localhost:7443', '-dut_address', 'dut_address:2222']`;
      const text = await shown("StartContainer", request);
      expect(text).toMatch(
        new RegExp(
          `^connecting to localhost:8082\\ncontainer \\{\\n {2}name: "my_container"\\n {2}id: "${HEX}"\\n {2}owned: true\\n\\}\\nRpc succeeded with OK status$`,
        ),
      );
      expect(text).toContain(await engine.must(["inspect", "-f", "{{.Id}}", "my_container"]));
      const called = await until("the command to be called", async () => {
        const { code, stdout } = await engine.run(["exec", "my_container", "cat", "/called"]);
        return code === 0 ? stdout : undefined;
      });
      expect(called).toBe("/bin/cros-dut -cache_address localhost:7443 -dut_address dut_address:2222\n");
    });

    test("a server that is killed leaves its containers to be found, and owned by nobody", async () => {
      await engine.must(["network", "create", "kept"]);
      expect(await shown("CreateNetwork", "name: 'mine'")).toContain("owned: true");
      server.signal("SIGKILL");
      await server.result;
      const id = await engine.must(["ps", "-q", "--no-trunc"]);
      server = await serve();
      const found = await shown("GetContainer", "name: 'my_container'");
      expect(found).toContain(`id: "${id}"`);
      expect(found).not.toContain("owned");
      expect(await shown("GetNetwork", "name: 'mine'")).not.toContain("owned");
      const berth = createCli("berth", { address: join(dir, "c.sock") }, "cros-tool-runner");
      expect((await berth.run(["tasks", "ls"])).stdout).toMatch(/RUNNING/);
      // As `docker run --rm` does: it is gone with its command.
      await engine.must(["kill", "my_container"]);
      await until("the container to be removed", async () => (await engine.must(["ps", "-aq"])) === "");
      await until("its record to be removed", async () => (await berth.run(["c", "ls", "-q"])).stdout === "");
    });

    test("Shutdown stops and removes what is owned, and nothing else", async () => {
      await shown("CreateNetwork", "name: 'own'");
      const started = await shown(
        "StartContainer",
        `name: 'second' container_image: '${CROS_DUT}' start_command: 'cros-dut'`,
      );
      expect(started).toContain("owned: true");
      const foreign = await engine.must(["run", "-d", "--name", "foreign", CROS_DUT, "cros-dut"]);
      expect(await shown("Shutdown", "")).toBe("connecting to localhost:8082\nRpc succeeded with OK status");
      expect(await server.result).toMatchObject({ code: 0 });
      expect(await engine.must(["ps", "-aq", "--no-trunc"])).toBe(foreign);
      const networks = (await engine.must(["network", "ls", "--format", "{{.Name}}"])).split("\n").sort();
      expect(networks).toEqual(["bridge", "host", "kept", "mine", "none"]);
    });
  },
);
