// `client.run` on every kind of daemon, with containers.
import { runConformance } from "../conformance/run/run.js";
import { requires } from "../helpers/requires.js";
import { berthd, containerd, containers, embedded } from "../helpers/run-subjects.js";

if (!(requires.root() || requires.binary("containerd-shim-runc-v2"))) {
  runConformance("containers, embedded", containers(embedded));
  runConformance("containers, berthd", containers(berthd));
  if (!requires.binary("containerd")) runConformance("containers, containerd", containers(containerd));
}
