// The Docker driver over an engine, whichever it is, as the subject of the conformance suite.
import { join } from "node:path";
import { DisposeScope } from "../../api/core/dispose.js";
import { listDir } from "../../runtime/bundle.js";
import type { CreateTask } from "../../runtime/driver.js";
import type { DriverDifferences, DriverSubject } from "../conformance/driver.js";
import { type DockerWorld, dockerWorld, type WorldEngine } from "./docker-world.js";
import { until } from "./until.js";

const DIFFERENCES: DriverDifferences = {
  pidAtStart: "the engine makes no process before the start",
  missingProgramAtStart: "the engine looks for the program when it starts it",
  unseenPid: "the engine tells a pid only while the process runs, and a busy one tells the end first",
};

/** With a world of its own; the engine may be shared. `more` is of each request. */
export async function dockerSubject(
  engine: WorldEngine,
  differences: DriverDifferences = DIFFERENCES,
  more: Partial<CreateTask> = {},
): Promise<DriverSubject> {
  const own = new DisposeScope();
  const world: DockerWorld = await dockerWorld(own, engine);
  return {
    get driver() {
      return world.driver;
    },
    gone: world.gone,
    differences,
    request: (id, args) => world.request(id, args, more),
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
