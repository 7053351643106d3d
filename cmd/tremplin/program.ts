// tremplin: serves the service that keeps system containers on LXD, calls it, and listens to what it tells.
import { CommanderError } from "commander";
import { ContainerdError, type ErrorKind, errorKind } from "../../api/core/errors.js";
import { buildInfo } from "../shared/build-info.js";
import type { CallFlags, LsFlags } from "../shared/call.js";
import { GoCommand } from "../shared/go-flags.js";
import { LOG_FORMATS, LOG_LEVELS } from "../shared/log.js";
import type { ListenFlags } from "./listen.js";
import type { ServeFlags } from "./serve.js";

/** Exit codes: 2 for what the caller got wrong, 1 for everything else. */
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const USAGE_KINDS: readonly ErrorKind[] = ["invalid_argument"];
const DEFAULT_SERVER = "unix:/run/tremplin/tremplin.sock";
const DEFAULT_LISTENER = "unix:/run/tremplin/listener.sock";

const SERVE_HELP = `
LXD is started by a call of StartLxd, in its folder, and ends with this server, its containers before it; only kill -9 leaves it running.
Whoever reaches the address rules over the containers: there is neither a password nor TLS. A port without a host is of this host only.`;

/** @returns the exit code */
export async function runTremplin(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program = new GoCommand("tremplin")
    .description("System containers on LXD as a gRPC service that tells a listener how things go on.")
    .usage("<command> [options]")
    .version(buildInfo().version, "-v, --version", "print the version")
    .enablePositionalOptions()
    .helpCommand(false);
  program
    .command("serve")
    .description("serve until SIGTERM, SIGINT or SIGPWR")
    .requiredOption("--listener <address>", "whom to tell: unix:PATH or HOST:PORT; it has to be there")
    .option("--address <address>", `where to serve: unix:PATH or HOST:PORT; default: ${DEFAULT_SERVER}`)
    .option("--lxd-dir <dir>", "folder of the LXD that is started; without it LXD_DIR, else /var/lib/lxd")
    .option("--lxd-program <file>", "program that starts LXD", "lxd")
    .option("--lxd-subnet <cidr>", "address and width of the containers' network; default: 100.115.92.193/28")
    .option("--shared-dir <dir>", "folder of exports and imports, /mnt/chromeos in containers; default: /mnt/shared")
    .option("--milestone <number>", "what %d stands for in the address of an image server")
    .option("--root <dir>", "folder of what must last")
    .option("--state <dir>", "folder of what ends with the host")
    .option("--berth-address <socket>", "unix socket on which berth and other clients of containerd are served")
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
    .option("--address <address>", "the server", DEFAULT_SERVER)
    .option(
      "--infile <file>",
      "take the request from a file; one that ends in .json is read as JSON, - is standard input",
    )
    .option(
      "--format <format>",
      "of the request and of the reply: textproto or json; default: textproto, or what the file's name says",
    )
    .action(async (rpc: string, request: string | undefined, flags: CallFlags) => {
      const [{ call }, { TREMPLIN_SERVICE }] = await Promise.all([import("../shared/call.js"), import("./service.js")]);
      status = await call(TREMPLIN_SERVICE, rpc, request, flags);
    });
  program
    .command("ls")
    .description("list the RPCs of the server")
    .option("--address <address>", "the server", DEFAULT_SERVER)
    .action(async (flags: LsFlags) => {
      const [{ ls }, { TREMPLIN_SERVICE }] = await Promise.all([import("../shared/call.js"), import("./service.js")]);
      status = await ls(TREMPLIN_SERVICE, flags);
    });
  program
    .command("listen")
    .description("be a listener that prints what it is told, until a signal ends it")
    .option("--address <address>", "where: unix:PATH or HOST:PORT", DEFAULT_LISTENER)
    .option("--format <format>", "of the messages: textproto or json", "textproto")
    .action(async (flags: ListenFlags) => {
      const { listen } = await import("./listen.js");
      status = await listen(flags);
    });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      outputError: (text, write) => write(text.replace(/^error:/, "tremplin:")),
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
    process.stderr.write(`tremplin: ${text}\n`);
    return USAGE_KINDS.includes(errorKind(error)) ? EXIT_USAGE : EXIT_FAILURE;
  }
}
