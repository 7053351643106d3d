// The Docker driver over Debian's engine: the conformance suite.
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { listDir } from "../../runtime/bundle.js";
import { type DriverSubject, driverConformance } from "../conformance/driver.js";
import { type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { type DockerWorld, dockerWorld } from "../helpers/docker-world.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const isLacking = requires.containerd() || requires.binary("dockerd");
const scope = new DisposeScope();
let engine: DockerEngine;

beforeAll(async () => {
  if (!isLacking) engine = await startEngine(scope);
}, 60_000);
afterAll(() => scope[Symbol.asyncDispose]());

async function dockerSubject(): Promise<DriverSubject> {
  const own = new DisposeScope();
  const world: DockerWorld = await dockerWorld(own, engine);
  return {
    get driver() {
      return world.driver;
    },
    gone: world.gone,
    differences: {
      pidAtStart: "the engine makes no process before the start",
      missingProgramAtStart: "the engine looks for the program when it starts it",
    },
    request: world.request,
    async destroy(id) {
      await engine.must(["rm", "-f", await world.containerId(id)]);
      await until("the driver to report it", () => world.gone.some((task) => task.id === id));
    },
    reload: () => world.reload(),
    async leftovers(...ids) {
      const bundles = await listDir(join(world.stateDir, "io.berth.docker.v1", world.namespace));
      const containers = await world.containers();
      return [
        ...ids.filter((id) => bundles.includes(id)).map((id) => `bundle ${id}`),
        ...ids.filter((id) => containers.includes(id)).map((id) => `container ${id}`),
      ];
    },
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}

driverConformance("docker", dockerSubject, { isLacking });
