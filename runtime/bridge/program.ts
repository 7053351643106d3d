// A bridge, or another server of streams, as a program: on a socket that is its argument. It outlives the daemon that started it, and
// ends by itself.
import { isAbsolute } from "node:path";
import { invalidArgument } from "../../api/core/errors.js";
import { READY, tellStarter } from "../detached/starter.js";
import { BridgeServer, type BridgeServerOptions } from "./server.js";
import type { OpenSource } from "./source.js";
import { Streams } from "./streams.js";

/** Resolves when it has ended; the process's exit code is set when it could not begin. */
export async function runBridge(program: string, open: OpenSource): Promise<void> {
  await serveStreams(program, (deps, onEnd) => new Streams(open, deps, onEnd));
}

/** The same for any streams. */
export async function serveStreams(program: string, streams: BridgeServerOptions["streams"]): Promise<void> {
  let isReady = false;
  const onReady = (): void => {
    isReady = true;
    tellStarter(READY);
  };
  try {
    const server = new BridgeServer({ socketPath: socketOf(process.argv.slice(2)), streams, onReady });
    // One stream's trouble must not be the end of all others.
    process.on("uncaughtException", (err) => server.log.error({ err }, `uncaught exception in ${program}`));
    process.on("SIGTERM", () => server.asked());
    process.on("SIGINT", () => server.asked());
    process.on("SIGHUP", () => {});
    // Would open a debugger.
    process.on("SIGUSR1", () => {});
    await server.serve();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    if (!isReady) tellStarter(said);
    process.stderr.write(`${program}: ${said}\n`);
    process.exitCode = 1;
  }
}

/** @throws invalid_argument without an absolute path. */
function socketOf([socketPath, ...rest]: readonly string[]): string {
  if (socketPath === undefined || !isAbsolute(socketPath) || rest.length > 0) {
    throw invalidArgument("want one argument, the absolute path of the socket");
  }
  return socketPath;
}
