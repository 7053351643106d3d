// `cros-tool-runner serve`: runs the server until a signal or a call ends it.
import { ContainerdError } from "../../api/core/errors.js";
import { createRunnerServer, runnerPlaces } from "../../services/cros-tool-runner-server.js";
import { createLogger, LOG_FORMATS, LOG_LEVELS } from "../shared/log.js";
import { CRASH, EXIT_FATAL, endOf, fatal, oneOf } from "../shared/serving.js";
import { exportMetadata } from "./metadata-file.js";

export interface ServeFlags {
  readonly port: string;
  readonly listen: string;
  readonly exportMetadata?: string;
  readonly dockerHost?: string;
  readonly root?: string;
  readonly state?: string;
  readonly address?: string;
  readonly logLevel: string;
  readonly logFormat: string;
}

const LARGEST_PORT = 65_535;

/** @returns the exit code. @throws invalid_argument for a bad flag, and what the server cannot start for */
export async function serve(flags: ServeFlags): Promise<number> {
  const port = parsePort(flags.port);
  const log = createLogger({
    level: oneOf("--log-level", LOG_LEVELS, flags.logLevel),
    format: oneOf("--log-format", LOG_FORMATS, flags.logFormat),
  });
  const end = endOf(log);
  const dockerHost = flags.dockerHost ?? process.env["BERTHD_DOCKER_HOST"];
  const server = await createRunnerServer(
    {
      ...runnerPlaces(process.getuid?.() ?? -1, process.env, flags),
      ...(dockerHost !== undefined && { dockerHost }),
      host: flags.listen,
      port,
    },
    { log, onShutdown: () => end.now("Shutdown"), onFatal: (error) => fatal(log, error) },
  );
  let status = 0;
  try {
    if (flags.exportMetadata !== undefined) await exportMetadata(flags.exportMetadata, server.port);
    process.stdout.write(`server listening at ${server.listening}\n`);
    log.info({ address: server.daemon.address }, "cros-tool-runner ready");
    const reason = await end.reason;
    log.info({ reason }, "stopping: calls finish, containers stop, networks go");
    if (reason === CRASH) status = EXIT_FATAL;
  } finally {
    await server[Symbol.asyncDispose]();
  }
  log.info({}, "stopped");
  return status;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= LARGEST_PORT) return port;
  throw new ContainerdError(
    "invalid_argument",
    `--port takes a number from 0 to ${LARGEST_PORT}, not ${JSON.stringify(text)}`,
  );
}
