// The program `berth`: parse, call, print. What goes wrong is one line on stderr and an exit status that tells its class.
import { type Command as CommanderCommand, CommanderError } from "commander";
import { DisposeScope } from "../../api/core/dispose.js";
import { errorOf } from "../../api/core/errors.js";
import { checkRuntimeDir, runtimeDirOf } from "../../runtime/sys/runtime-dir.js";
import { buildInfo } from "../shared/build-info.js";
import type { Command } from "./command.js";
import { exitStatus, Interrupted, Reported, USAGE_STATUS } from "./exit-status.js";
import { flushed, Output, type OutputOptions } from "./output.js";
import { createProgram, type GlobalFlags } from "./program.js";
import { signalNumber } from "./signals.js";

const DEFAULT_NAMESPACE = "default";
const FIRST_DIAL_MS = 10_000;

async function main(argv: readonly string[]): Promise<number> {
  let status = 0;
  let failureStatus: number | undefined;
  let debug = false;
  const program = createProgram(buildInfo().version, {
    chosen: (command) => {
      failureStatus = command.failureStatus;
    },
    run: async (command, flags, commander) => {
      debug = flags.debug === true;
      const output = { format: flags.format ?? "table", colour: flags.color, ...command.output(commander) };
      status = await execute(flags, output, (context) => command.run(context, commander));
    },
  });
  quiet(program);
  try {
    await program.parseAsync(helpLast(argv), { from: "user" });
    return status;
  } catch (error) {
    return report(error, failureStatus, debug);
  }
}

type Context = Parameters<Command["run"]>[0];

/** Gives a command its client, and closes it afterwards. */
async function execute(
  flags: GlobalFlags,
  output: OutputOptions,
  run: (context: Context) => Promise<number>,
): Promise<number> {
  await using scope = new DisposeScope();
  const env = process.env;
  // A variable that is set to nothing counts as unset.
  const address = flags.address ?? (env["BERTH_ADDRESS"] || env["CONTAINERD_ADDRESS"] || defaultAddress(env));
  const namespace = flags.namespace ?? (env["BERTH_NAMESPACE"] || env["CONTAINERD_NAMESPACE"] || DEFAULT_NAMESPACE);
  // Loaded here: help and mistakes need no gRPC.
  const { connect } = await import("../../api/client/connect.js");
  const client = scope.use(connect({ address, namespace }));
  if (flags.connectTimeout !== undefined && flags.connectTimeout > 0) {
    await client.ready({ timeoutMs: flags.connectTimeout });
  } else {
    // Dials while the command looks at its arguments; its first call tells what is wrong.
    client.ready({ timeoutMs: FIRST_DIAL_MS }).catch(() => undefined);
  }
  const limited = flags.timeout !== undefined && flags.timeout > 0;
  const signal = limited ? AbortSignal.timeout(flags.timeout ?? 0) : undefined;
  return await run({ client, namespace, request: { namespace, signal }, output: new Output(output) });
}

/** Where the daemon of this user listens: root's is the machine's. @throws permission_denied where somebody else's could. */
function defaultAddress(env: Readonly<Record<string, string | undefined>>): string {
  const uid = process.getuid?.() ?? -1;
  if (uid === 0) return "/run/berth/berth.sock";
  const folder = runtimeDirOf(uid, env);
  const problem = checkRuntimeDir(folder, uid);
  if (problem !== undefined) throw errorOf("permission_denied", problem);
  return `${folder}/berth/berth.sock`;
}

/** The exit status, after the one line that says what happened. */
function report(error: unknown, failureStatus: number | undefined, debug: boolean): number {
  if (error instanceof Reported) return error.status;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code !== "commander.help") complain(oneLine(error.message));
    return failureStatus ?? USAGE_STATUS;
  }
  if (error instanceof Interrupted) {
    complain(error.message);
    return 128 + signalNumber(error.signal);
  }
  complain(error instanceof Error ? error.message.trim() : String(error));
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return failureStatus ?? exitStatus(error);
}

function complain(message: string): void {
  process.stderr.write(`berth: ${message}\n`);
}

/** `error: unknown command 'lss'` and `(Did you mean ls?)` are two lines of commander's. */
function oneLine(message: string): string {
  return message
    .replace(/^error: /, "")
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
}

/** Errors of parsing are thrown, and told by {@link report} alone. */
function quiet(command: CommanderCommand): void {
  command.exitOverride().configureOutput({ outputError: () => {} });
  command.commands.forEach(quiet);
}

/** `berth help tasks kill` asks the same as `berth tasks kill --help`. */
function helpLast(argv: readonly string[]): string[] {
  return argv[0] === "help" ? [...argv.slice(1), "--help"] : [...argv];
}

main(process.argv.slice(2)).then(
  async (status) => {
    process.exitCode = status;
    await flushed();
    process.exit(status);
  },
  (error: unknown) => {
    process.stderr.write(`berth: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
