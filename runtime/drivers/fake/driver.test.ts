import { silentLogger } from "../../../api/core/log.js";
import type { Clock } from "../../../api/core/time.js";
import { type DriverSubject, driverConformance } from "../../../test/conformance/driver.js";
import { MemoryLedger } from "../../../test/helpers/memory-stores.js";
import { ociSpec } from "../../../test/helpers/oci-spec.js";
import type { DriverDeps, TaskGone } from "../../driver.js";
import { FAKE_RUNTIME, FakeWorld, fakeDriver } from "./driver.js";

async function fakeSubject(): Promise<DriverSubject> {
  const world = new FakeWorld();
  const gone: TaskGone[] = [];
  let now = 1_000n;
  const clock: Clock = () => {
    now += 1n;
    return now;
  };
  const deps: DriverDeps = {
    rootDir: "/fake/root",
    stateDir: "/fake/state",
    address: "/fake/berth.sock",
    ttrpcAddress: "/fake/berth.sock.ttrpc",
    publishBinary: "/fake/berthd",
    debug: false,
    ledger: new MemoryLedger(),
    log: silentLogger,
    clock,
    onTaskGone: async (task) => void gone.push(task),
  };
  const definition = fakeDriver(world);
  const namespace = "fake";
  return {
    driver: definition.create(deps),
    gone,
    request: (id, args) => ({
      namespace,
      id,
      runtime: FAKE_RUNTIME,
      image: "",
      spec: ociSpec({ args, rootfs: "rootfs", cgroupsPath: `/${namespace}/${id}` }).value,
      rootfs: [],
      stdin: "",
      stdout: "",
      stderr: "",
      terminal: false,
      checkpointPath: "",
    }),
    destroy: (id) => world.vanish(namespace, id),
    reload: () => definition.create(deps).load(async () => FAKE_RUNTIME),
    leftovers: async (...ids) => world.containers.map(({ id }) => id).filter((id) => ids.includes(id)),
    [Symbol.asyncDispose]: async () => {},
  };
}

driverConformance("fake", fakeSubject);
