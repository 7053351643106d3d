// The calls of the cros-tool-runner service on a real engine: networks, containers, stacks of commands, and the end of a server.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { StackCommandsResponse } from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { failureOf, startRunner, type TestRunner } from "../helpers/cros-tool-runner.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { requires } from "../helpers/requires.js";

const ID = /^[\da-f]{64}$/;

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("the container service", () => {
  const scope = new DisposeScope();
  let engine: DockerEngine;
  let runner: TestRunner;

  beforeAll(async () => {
    engine = await startEngine(scope);
    runner = scope.use(await startRunner(engine));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  describe("networks", () => {
    test("one is made, found as ours, and carries packets that Google's cloud takes", async () => {
      const made = await runner.createNetwork("mine");
      expect(made).toMatchObject({ name: "mine", id: expect.stringMatching(ID), owned: true });
      expect(await runner.getNetwork("mine")).toEqual(made);
      const format = '{{.Id}} {{.Driver}} {{index .Options "com.docker.network.driver.mtu"}}';
      expect(await engine.must(["network", "inspect", "-f", format, "mine"])).toBe(`${made?.id} bridge 1450`);
    });

    test("those of others are found and are not ours", async () => {
      const id = await engine.must(["network", "create", "theirs"]);
      expect(await runner.getNetwork("theirs")).toMatchObject({ name: "theirs", id, owned: false });
      for (const name of ["bridge", "host", "none"]) {
        const known = await engine.must(["network", "inspect", "-f", "{{.Id}}", name]);
        expect(await runner.getNetwork(name)).toMatchObject({ name, id: known, owned: false });
      }
    });

    test("one that others made anew under our name is not ours", async () => {
      await runner.createNetwork("again");
      await engine.must(["network", "rm", "again"]);
      const id = await engine.must(["network", "create", "again"]);
      expect(await runner.getNetwork("again")).toMatchObject({ id, owned: false });
    });

    test("a name, and neither an id nor a part of a name", async () => {
      const made = await runner.createNetwork("whole-name");
      for (const name of ["whole", "whole-nam", made?.id ?? "", (made?.id ?? "").slice(0, 12), ".*", ""]) {
        expect(await failureOf(runner.getNetwork(name))).toMatchObject({
          code: "NOT_FOUND",
          message: `Cannot retrieve network ID with name ${name}`,
        });
      }
    });

    test("what cannot be made is refused", async () => {
      expect(await failureOf(runner.createNetwork(""))).toMatchObject({
        code: "INVALID_ARGUMENT",
        message: "Missing name",
      });
      await runner.createNetwork("taken");
      expect(await failureOf(runner.createNetwork("taken"))).toMatchObject({
        code: "ALREADY_EXISTS",
        message: "Error response from daemon: network with name taken already exists",
      });
      expect(await failureOf(runner.createNetwork("host"))).toMatchObject({
        code: "PERMISSION_DENIED",
        message: "Error response from daemon: operation is not permitted on predefined host network",
      });
    });

    test.each(["a+b", "a b(", "[", "../../info", "é", "x".repeat(300)])("one may have the name %s", async (name) => {
      const made = await runner.createNetwork(name);
      expect(await runner.getNetwork(name)).toEqual(made);
      expect(made).toMatchObject({ name, owned: true });
    });

    test("of many that make one of a name at a time, one does", async () => {
      const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => runner.createNetwork("race")));
      const made = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value?.id] : []));
      expect(made).toEqual([(await runner.getNetwork("race"))?.id]);
      const names = await engine.must(["network", "ls", "-q", "--filter", "name=^race$"]);
      expect(names.split("\n")).toHaveLength(1);
    });
  });

  describe("containers of others", () => {
    test("are found, with the ports that lead into them", async () => {
      const ports = ["-p", "127.0.0.1:8080:80", "-p", "5353:53/udp"];
      const id = await engine.must(["run", "-d", "--name", "foreign", ...ports, BUSYBOX, "sleep", "600"]);
      const portBindings = [
        { containerPort: 53, protocol: "udp", hostIp: "0.0.0.0", hostPort: 5353 },
        { containerPort: 80, protocol: "tcp", hostIp: "127.0.0.1", hostPort: 8080 },
      ];
      expect(await runner.getContainer("foreign")).toMatchObject({ name: "foreign", id, owned: false, portBindings });
    });

    test.each(["nobody", "", "../info", "a b", "x".repeat(300)])("and not under the name '%s'", async (name) => {
      expect(await failureOf(runner.getContainer(name))).toMatchObject({
        code: "NOT_FOUND",
        message: `Cannot retrieve container ID with name ${name}`,
      });
    });
  });

  describe("stacks of commands", () => {
    test("results stand where their requests do", async () => {
      const { responses } = await runner.stack([
        { command: { $case: "createNetwork", value: { name: "stack1" } } },
        { command: { $case: "createNetwork", value: { name: "stack2" } } },
      ]);
      expect(responses.map(({ output }) => output)).toMatchObject([
        { $case: "createNetwork", value: { network: { name: "stack1", owned: true } } },
        { $case: "createNetwork", value: { network: { name: "stack2", owned: true } } },
      ]);
      expect(await runner.stack([])).toMatchObject({ responses: [] });
    });

    test("the first failure ends them, is the failure of the whole, and says where it was", async () => {
      const failure = await failureOf(
        runner.stack([
          { command: { $case: "createNetwork", value: { name: "before" } } },
          { command: { $case: "createNetwork", value: { name: "" } } },
          { command: { $case: "createNetwork", value: { name: "behind" } } },
        ]),
      );
      expect(failure).toMatchObject({ code: "INVALID_ARGUMENT", message: "Missing name" });
      expect(failure.trailers.get("ctr-failed-index")).toEqual(["1"]);
      const [partial] = failure.trailers.get("ctr-partial-response-bin");
      const { responses } = StackCommandsResponse.decode(Buffer.from(partial ?? ""));
      const before = await runner.getNetwork("before");
      expect(responses.map(({ output }) => output?.value)).toMatchObject([{ network: before }]);
      expect((await failureOf(runner.getNetwork("behind"))).code).toBe("NOT_FOUND");
    });

    test("a request that holds none is not known", async () => {
      expect(await failureOf(runner.stack([{}]))).toMatchObject({
        code: "UNIMPLEMENTED",
        message: expect.stringMatching(/^Unimplemented request type/),
      });
    });
  });
});
