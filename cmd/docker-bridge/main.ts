// The program of the bridge for Docker tasks, started by the daemon: `berth-docker-bridge SOCKET`.
import { READY, tellStarter } from "../../runtime/detached/starter.js";
import { runBridge } from "./program.js";

let isReady = false;
const onReady = (): void => {
  isReady = true;
  tellStarter(READY);
};

// Not awaited, as a bundle in CommonJS has no await at its top.
void runBridge(process.argv.slice(2), onReady).catch((error: unknown) => {
  const said = error instanceof Error ? error.message : String(error);
  if (!isReady) tellStarter(said);
  process.stderr.write(`berth-docker-bridge: ${said}\n`);
  process.exitCode = 1;
});
