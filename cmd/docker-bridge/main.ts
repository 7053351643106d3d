// The program of the bridge for Docker tasks, started by the daemon: `berth-docker-bridge SOCKET`.
import { runBridge } from "../../runtime/bridge/program.js";
import { openDockerSource } from "../../runtime/docker/bridge/docker-source.js";

// Not awaited, as a bundle in CommonJS has no await at its top.
void runBridge("berth-docker-bridge", openDockerSource);
