// berthd: reads its settings, runs the daemon until it is told to stop. Tasks go on without it.
import { Command, CommanderError } from "commander";
import { type ErrorKind, errorKind } from "../../api/core/errors.js";

/** Exit codes: 2 for what the caller got wrong, 1 for everything else; 130 when a second signal forced the end. */
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const EXIT_FORCED = 130;
const USAGE_KINDS: readonly ErrorKind[] = ["invalid_argument"];

const SETTINGS_HELP = `
Settings come from the file (as root /etc/berth/config.toml), then from BERTHD_ROOT, BERTHD_STATE, BERTHD_ADDRESS,
BERTHD_LOG_LEVEL, BERTHD_LOG_FORMAT, BERTHD_STOP_TIMEOUT_MS, BERTHD_WARM_SHIMS, BERTHD_DOCKER_HOST, BERTHD_LXD_SOCKET and
BERTHD_DEBUG, then from the flags. BERTHD_CONFIG names the file.`;

interface Flags {
  readonly version?: boolean;
  readonly config?: string | undefined;
  readonly root?: string;
  readonly state?: string;
  readonly address?: string;
  readonly dockerHost?: string;
  readonly lxdSocket?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/** @returns the exit code; undefined while nothing is decided, as the process ends by itself. */
export async function runBerthd(argv: readonly string[]): Promise<number> {
  const program = new Command("berthd")
    .description("container metadata store and task runtime that speaks containerd's API")
    .option("--version", "print the version of this program")
    .option("--config <file>", "settings in TOML")
    .option("--root <dir>", "folder of what must last: the database")
    .option("--state <dir>", "folder of what ends with the host: bundles of tasks")
    .option("-a, --address <socket>", "unix socket of the gRPC API")
    .option(
      "--docker-host <host>",
      "engine for tasks of runtime io.berth.docker.v1; default: DOCKER_HOST, else its usual socket",
    )
    .option(
      "--lxd-socket <socket>",
      "LXD for tasks of runtime io.berth.lxd.v1; default: in LXD_DIR, else in /var/lib/lxd",
    )
    .option("--log-level <level>", "debug, info, warn or error")
    .option("--log-format <format>", "json or pretty")
    .addHelpText("after", SETTINGS_HELP)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, "berthd:")) })
    .action(async () => {
      const flags = program.opts<Flags>();
      if (flags.version === true) await printVersion();
      else await serve(flags);
    });
  program
    .command("publish")
    .description("send the event on standard input, an encoded google.protobuf.Any, to the daemon")
    .requiredOption("--topic <topic>", "topic of the event, for example /tasks/exit")
    .requiredOption("--namespace <namespace>", "namespace of the event")
    .action(async ({ topic, namespace }: { topic: string; namespace: string }) => {
      const [{ publish }, address] = await Promise.all([import("./publish.js"), addressOf(program.opts<Flags>())]);
      await publish({ address, topic, namespace, input: process.stdin });
    });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    // commander has told the user already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    process.stderr.write(`berthd: ${error instanceof Error ? error.message : error}\n`);
    return USAGE_KINDS.includes(errorKind(error)) ? EXIT_USAGE : EXIT_FAILURE;
  }
}

async function loadSettings(flags: Flags) {
  const { loadConfig } = await import("./config.js");
  const { version: _version, ...settings } = flags;
  return loadConfig({ flags: settings, env: process.env, uid: process.getuid?.() ?? -1 });
}

async function printVersion(): Promise<void> {
  const { readPackageInfo } = await import("../../services/daemon.js");
  const { version, commit } = readPackageInfo();
  process.stdout.write(`berthd ${version}${commit === "" ? "" : ` ${commit}`}\n`);
}

async function addressOf(flags: Flags): Promise<string> {
  return flags.address ?? (await loadSettings(flags)).daemon.address;
}

async function serve(flags: Flags): Promise<void> {
  const settings = await loadSettings(flags);
  const [{ createDaemon }, { createLogger }] = await Promise.all([
    import("../../services/daemon.js"),
    import("../shared/log.js"),
  ]);
  const log = createLogger(settings.log);
  const stopped = signalled(log);
  process.on("uncaughtException", (err) => {
    log.error({ err }, "uncaught exception");
    process.exit(EXIT_FAILURE);
  });
  const daemon = await createDaemon(settings.daemon, {
    log,
    onFatal: (error) => {
      log.error({ err: error }, "cannot go on");
      process.exit(EXIT_FAILURE);
    },
  });
  try {
    log.info({ address: daemon.address, ttrpcAddress: daemon.ttrpcAddress, version: daemon.version }, "berthd ready");
    const signal = await stopped;
    log.info({ signal }, "stopping; tasks go on");
  } finally {
    await daemon[Symbol.asyncDispose]();
  }
  log.info({}, "stopped");
}

/** Resolves with the first signal that asks the daemon to stop. The second one ends the process at once. */
function signalled(log: { warn(fields: object, message: string): void }): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (isStopping) {
        log.warn({ signal }, "stopped by force");
        process.exit(EXIT_FORCED);
      }
      isStopping = true;
      resolve(signal);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
    // A daemon outlives the terminal it was started from.
    process.on("SIGHUP", () => {});
  });
}
