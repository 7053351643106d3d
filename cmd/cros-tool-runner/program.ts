// cros-tool-runner: serves the container service, and calls it. Flags may be spelt as the original's are, with one dash.
import { CommanderError } from "commander";
import { ContainerdError, type ErrorKind, errorKind } from "../../api/core/errors.js";
import { buildInfo } from "../shared/build-info.js";
import type { CallFlags, LsFlags } from "../shared/call.js";
import { GoCommand } from "../shared/go-flags.js";
import { LOG_FORMATS, LOG_LEVELS } from "../shared/log.js";
import type { ServeFlags } from "./serve.js";

/** Exit codes: 2 for what the caller got wrong, 1 for everything else. */
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const USAGE_KINDS: readonly ErrorKind[] = ["invalid_argument"];
const DEFAULT_PORT = "8082";
const DEFAULT_SERVER = "localhost:8082";

const SERVE_HELP = `
Whoever reaches the port can start containers with any folder of this host, as root: there is neither a password nor TLS.
--listen opens it to others. BERTHD_DOCKER_HOST and DOCKER_HOST name the engine as well.`;

/** @returns the exit code */
export async function runCrosToolRunner(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program = new GoCommand("cros-tool-runner")
    .description("Docker commands of ChromeOS test labs as a gRPC service.")
    .usage("<command> [options]")
    .version(buildInfo().version, "-v, --version", "print the version")
    .enablePositionalOptions()
    .helpCommand(false);
  program
    .command("serve")
    .description("serve until SIGTERM, SIGINT or a call of Shutdown")
    .option("--port <port>", "TCP port; 0 for a free one", DEFAULT_PORT)
    .option("--listen <host>", "name or address to listen at; 0.0.0.0 or :: for all of this host", "127.0.0.1")
    .option("--export-metadata <dir>", "append SERVICE_PORT, SERVICE_NAME and SERVICE_START_TIME to .cftmeta in it")
    .option("--docker-host <host>", "the engine: unix:///path or tcp://host:port")
    .option("--root <dir>", "folder of what must last")
    .option("--state <dir>", "folder of what ends with the host")
    .option("--address <socket>", "unix socket on which berth and other clients of containerd are served")
    .option("--log-level <level>", LOG_LEVELS.join(", "), "info")
    .option("--log-format <format>", LOG_FORMATS.join(" or "), "pretty")
    .addHelpText("after", SERVE_HELP)
    .action(async (flags: ServeFlags) => {
      const { serve } = await import("./serve.js");
      status = await serve(flags);
    });
  program
    .command("call <rpc> [request]")
    .description("call an RPC, by its short name or its full one; the reply goes to stdout")
    .option("--address <host:port>", "the server", DEFAULT_SERVER)
    .option(
      "--infile <file>",
      "take the request from a file; one that ends in .json is read as JSON, - is standard input",
    )
    .option(
      "--format <format>",
      "of the request and of the reply: textproto or json; default: textproto, or what the file's name says",
    )
    .action(async (rpc: string, request: string | undefined, flags: CallFlags) => {
      const [{ call }, { RUNNER_SERVICE }] = await Promise.all([import("../shared/call.js"), import("./service.js")]);
      status = await call(RUNNER_SERVICE, rpc, request, flags);
    });
  program
    .command("ls")
    .description("list the RPCs of the server")
    .option("--address <host:port>", "the server", DEFAULT_SERVER)
    .action(async (flags: LsFlags) => {
      const [{ ls }, { RUNNER_SERVICE }] = await Promise.all([import("../shared/call.js"), import("./service.js")]);
      status = await ls(RUNNER_SERVICE, flags);
    });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      outputError: (text, write) => write(text.replace(/^error:/, "cros-tool-runner:")),
    });
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return status;
  } catch (error) {
    // commander has told the user already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    const isExpected = error instanceof ContainerdError;
    const text = error instanceof Error ? (isExpected ? error.message : (error.stack ?? error.message)) : String(error);
    process.stderr.write(`cros-tool-runner: ${text}\n`);
    return USAGE_KINDS.includes(errorKind(error)) ? EXIT_USAGE : EXIT_FAILURE;
  }
}
