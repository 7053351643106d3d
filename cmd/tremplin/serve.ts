// `tremplin serve`: runs the server until a signal ends it.
import { resolve } from "node:path";
import { ContainerdError } from "../../api/core/errors.js";
import { createTremplinServer, tremplinPlaces } from "../../services/tremplin-server.js";
import { createLogger, LOG_FORMATS, LOG_LEVELS } from "../shared/log.js";
import { CRASH, EXIT_FATAL, endOf, fatal, oneOf } from "../shared/serving.js";

export interface ServeFlags {
  readonly listener: string;
  readonly address?: string;
  readonly lxdDir?: string;
  readonly lxdProgram: string;
  readonly lxdSubnet?: string;
  readonly sharedDir?: string;
  readonly milestone?: string;
  readonly root?: string;
  readonly state?: string;
  readonly berthAddress?: string;
  readonly logLevel: string;
  readonly logFormat: string;
}

/** @returns the exit code. @throws invalid_argument for a bad flag, and what the server cannot start for */
export async function serve(flags: ServeFlags): Promise<number> {
  const log = createLogger({
    level: oneOf("--log-level", LOG_LEVELS, flags.logLevel),
    format: oneOf("--log-format", LOG_FORMATS, flags.logFormat),
  });
  const milestone = flags.milestone === undefined ? undefined : parseMilestone(flags.milestone);
  // The host's power going is told by SIGPWR.
  const end = endOf(log, ["SIGTERM", "SIGINT", "SIGPWR"]);
  const server = await createTremplinServer(
    {
      ...tremplinPlaces(process.getuid?.() ?? -1, process.env, flags),
      listener: flags.listener,
      lxdCommand: [flags.lxdProgram],
      ...(flags.lxdSubnet !== undefined && { lxdSubnet: flags.lxdSubnet }),
      ...(flags.sharedDir !== undefined && { sharedDir: resolve(flags.sharedDir) }),
      ...(milestone !== undefined && { milestone }),
    },
    { log, onFatal: (error) => fatal(log, error) },
  );
  let status = 0;
  try {
    process.stdout.write(`server listening at ${server.listening}\n`);
    log.info({ address: server.daemon.address }, "tremplin ready");
    const reason = await end.reason;
    log.info({ reason }, "stopping: calls finish, containers stop, LXD ends");
    if (reason === CRASH) status = EXIT_FATAL;
  } finally {
    await server[Symbol.asyncDispose]();
  }
  log.info({}, "stopped");
  return status;
}

function parseMilestone(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new ContainerdError("invalid_argument", `--milestone takes a number, not ${JSON.stringify(text)}`);
}
