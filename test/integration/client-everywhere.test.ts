// One client, three daemons: in this process, berthd over its socket, and the real containerd over its own.
import { connect } from "../../api/client/index.js";
import { clientConformance } from "../conformance/client.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { startEmbedded } from "../helpers/embedded.js";
import { requires } from "../helpers/requires.js";

const canRun = !(requires.root() || requires.binary("runc") || requires.binary("containerd-shim-runc-v2"));

clientConformance(
  "embedded",
  async (scope) => {
    const daemon = await startEmbedded(scope);
    return (defaults) => daemon.client(defaults);
  },
  canRun,
);

clientConformance(
  "berthd",
  async (scope) => {
    const { address } = await startBerthd(scope);
    return (defaults) => connect({ address, ...defaults });
  },
  canRun,
);

if (!(requires.root() || requires.binary("containerd"))) {
  clientConformance(
    "containerd",
    async (scope) => {
      const { address } = await startContainerd(scope);
      return (defaults) => connect({ address, ...defaults });
    },
    canRun,
  );
}
