// The LXD driver as the subject of the conformance suite: what other runtimes take from the spec is the instance's init here.
import { join } from "node:path";
import { DisposeScope } from "../../api/core/dispose.js";
import { listDir } from "../../runtime/bundle.js";
import { LXD_RUNTIME } from "../../runtime/drivers/lxd/names.js";
import type { DriverDifferences, DriverSubject } from "../conformance/driver.js";
import { lxdWorld, type WorldLxd } from "./lxd-world.js";
import { until } from "./until.js";

const DIFFERENCES: DriverDifferences = {
  pidAtStart: "LXD makes no process before the start",
  missingProgramAtStart: "liblxc looks for the program when it starts it",
  unseenPid: "LXD tells no pid of an exec, so it is looked for while it runs",
};

const LATER = ["sh", "-c", 'sleep 0.5; exec "$@"', "later"];

/** With a world of its own; LXD may be shared. */
export async function lxdSubject(lxd: WorldLxd): Promise<DriverSubject> {
  const own = new DisposeScope();
  const world = await lxdWorld(own, lxd);
  return {
    get driver() {
      return world.driver;
    },
    gone: world.gone,
    differences: DIFFERENCES,
    // LXD takes five seconds for a start that is not over when init ends.
    request: (id, args) => world.request(id, { init: args[0] === "sh" ? [...LATER, ...args] : args }),
    async destroy(id) {
      await lxd.must(["delete", "--force", await world.instanceOf(id)]);
      await until("the driver to report it", () => world.gone.some((task) => task.id === id));
    },
    reload: () => world.reload(),
    async leftovers(...ids) {
      const bundles = await listDir(join(world.stateDir, LXD_RUNTIME, world.namespace));
      const instances = await world.instances();
      return [
        ...ids.filter((id) => bundles.includes(id)).map((id) => `bundle ${id}`),
        ...ids.filter((id) => instances.includes(id)).map((id) => `instance ${id}`),
      ];
    },
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}
