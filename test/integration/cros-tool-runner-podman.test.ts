// The cros-tool-runner service where the engine is Podman, as on some lab machines: the same calls with the same answers.
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { failureOf, startRunner } from "../helpers/cros-tool-runner.js";
import { BUSYBOX } from "../helpers/docker-engine.js";
import { startPodman } from "../helpers/podman.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const WAIT = ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"];

test.skipIf(requires.root() || requires.binary("podman"))("the service runs on Podman", async () => {
  await using scope = new DisposeScope();
  const podman = await startPodman(scope);
  const runner = scope.use(await startRunner(podman));
  const start = (name: string, startCommand: string[]) =>
    runner.start({
      ...{ name, containerImage: BUSYBOX, startCommand },
      additionalOptions: { network: "lab", expose: ["80"] },
    });

  const network = await runner.createNetwork("lab");
  expect(network).toMatchObject({ id: expect.stringMatching(/^[\da-f]{64}$/), owned: true });
  expect(await runner.getNetwork("lab")).toEqual(network);
  expect((await failureOf(runner.createNetwork("lab"))).code).toBe("ALREADY_EXISTS");
  expect((await failureOf(runner.getNetwork("nowhere"))).code).toBe("NOT_FOUND");

  const first = await start("web", WAIT);
  const found = await runner.getContainer("web");
  expect(found).toMatchObject({ id: first?.id, owned: true });
  expect(found?.portBindings).toMatchObject([{ containerPort: 80, protocol: "tcp", hostIp: "0.0.0.0" }]);
  // Ours, so it is replaced.
  expect((await start("web", WAIT))?.id).not.toBe(first?.id);
  expect(await failureOf(start("bad", ["/no/such"]))).toMatchObject({
    code: "UNKNOWN",
    message: expect.stringContaining("/no/such"),
  });
  await start("short", ["true"]);
  await until("it to be removed", async () => (await podman.run(["container", "inspect", "short"])).code !== 0);
  expect(await failureOf(runner.getContainer("short"))).toMatchObject({
    code: "NOT_FOUND",
    message: "Cannot retrieve container ID with name short",
  });

  await runner[Symbol.asyncDispose]();
  expect(await podman.must(["ps", "-aq"])).toBe("");
  expect(await podman.must(["network", "ls", "--format", "{{.Name}}"])).not.toContain("lab");
});
