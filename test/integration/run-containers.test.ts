// `client.run` on every kind of daemon, with containers.
import { describe } from "vitest";
import { runConformance } from "../conformance/run/run.js";
import { requires } from "../helpers/requires.js";
import { berthd, containerd, containers, embedded } from "../helpers/run-subjects.js";

describe.skipIf(requires.root() || requires.binary("containerd-shim-runc-v2"))("containers", () => {
  runConformance("containers, embedded", containers(embedded));
  runConformance("containers, berthd", containers(berthd));
  describe.skipIf(requires.binary("containerd"))("of another daemon", () => {
    runConformance("containers, containerd", containers(containerd));
  });
});
