// A bridge on a socket. It outlives the daemon that started it, and ends by itself.
import { isAbsolute } from "node:path";
import { invalidArgument } from "../../api/core/errors.js";
import { BridgeServer } from "../../runtime/docker/bridge/server.js";

/** Resolves when it has ended. @param onReady called when it listens. @throws invalid_argument without an absolute path; what listening throws. */
export async function runBridge(argv: readonly string[], onReady: () => void): Promise<void> {
  const [socketPath, ...rest] = argv;
  if (socketPath === undefined || !isAbsolute(socketPath) || rest.length > 0) {
    throw invalidArgument("want one argument, the absolute path of the socket");
  }
  const server = new BridgeServer({ socketPath, onReady });
  // One stream's trouble must not be the end of all others.
  process.on("uncaughtException", (err) => server.log.error({ err }, "uncaught exception in the docker bridge"));
  process.on("SIGTERM", () => server.asked());
  process.on("SIGINT", () => server.asked());
  process.on("SIGHUP", () => {});
  // Would open a debugger.
  process.on("SIGUSR1", () => {});
  await server.serve();
}
