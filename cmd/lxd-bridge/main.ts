// The program of the bridge for LXD tasks, started by the daemon: `berth-lxd-bridge SOCKET`.
import { runBridge } from "../../runtime/bridge/program.js";
import { lxdSources } from "../../runtime/lxd/bridge/lxd-sources.js";

// Not awaited, as a bundle in CommonJS has no await at its top.
void runBridge("berth-lxd-bridge", lxdSources());
