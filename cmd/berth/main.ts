// The program `berth`: parse, call, print. What goes wrong is one line on stderr and an exit status that tells its class.
import type { Command as CommanderCommand } from "commander";
import { DisposeScope } from "../../api/core/dispose.js";
import { buildInfo } from "../shared/build-info.js";
import { addressOf, namespaceOf } from "./address.js";
import type { Command } from "./command.js";
import { GROUPS } from "./commands/index.js";
import { endWithoutReader, flushed, Output } from "./output.js";
import { createProgram, type GlobalFlags } from "./program.js";

const FIRST_DIAL_MS = 10_000;

async function main(argv: readonly string[]): Promise<number> {
  endWithoutReader();
  if (argv[0] === "__complete") return await completeFor(argv.slice(argv[1] === "--" ? 2 : 1));
  let status = 0;
  let failureStatus: number | undefined;
  let flags: GlobalFlags = {};
  const failure: { hint?: string | undefined } = {};
  const program = createProgram(buildInfo().version, {
    chosen: (command) => {
      failureStatus = command.failureStatus;
    },
    run: async (command, given, commander) => {
      flags = given;
      status = await execute(command, flags, commander, failure);
    },
  });
  quiet(program);
  try {
    await program.parseAsync(helpLast(argv), { from: "user" });
    return status;
  } catch (error) {
    const { report } = await import("./report.js");
    return report(error, { argv, program, flags, failureStatus, hint: failure.hint });
  }
}

/** For the shells; see completion/scripts.ts. */
async function completeFor(words: readonly string[]): Promise<number> {
  const { complete } = await import("./completion/complete.js");
  for (const line of await complete(words)) process.stdout.write(`${line}\n`);
  return 0;
}

/** Gives a command its client, and closes it afterwards. What to do about a failure is asked of the daemon before that. */
async function execute(
  command: Command,
  flags: GlobalFlags,
  commander: CommanderCommand,
  failure: { hint?: string | undefined },
): Promise<number> {
  await using scope = new DisposeScope();
  const output = new Output({ format: flags.format ?? "table", colour: flags.color, ...command.output(commander) });
  const address = addressOf(flags.address, process.env);
  const namespace = namespaceOf(flags.namespace, process.env);
  // Loaded here: help and mistakes need no gRPC.
  const { connect } = await import("../../api/client/connect.js");
  const client = scope.use(connect({ address, namespace }));
  try {
    if (flags.connectTimeout !== undefined && flags.connectTimeout > 0) {
      const { showWaiting } = await import("./progress/waiting.js");
      await showWaiting("waiting for the daemon", client.ready({ timeoutMs: flags.connectTimeout }));
    } else {
      // Dials while the command looks at its arguments; its first call tells what is wrong.
      client.ready({ timeoutMs: FIRST_DIAL_MS }).catch(() => undefined);
    }
    const limited = flags.timeout !== undefined && flags.timeout > 0;
    const signal = limited ? AbortSignal.timeout(flags.timeout ?? 0) : undefined;
    return await command.run({ client, namespace, request: { namespace, signal }, output }, commander);
  } catch (error) {
    const { hintFor } = await import("./hints.js");
    failure.hint = await hintFor(error, { command, commander, client, namespace, address, flags });
    throw error;
  }
}

/** Errors of parsing are thrown, and told by report.ts alone. */
function quiet(command: CommanderCommand): void {
  command.exitOverride().configureOutput({ outputError: () => {} });
  command.commands.forEach(quiet);
}

/** `berth help tasks kill` and `berth tasks help kill` ask the same as `berth tasks kill --help`. */
function helpLast(argv: readonly string[]): string[] {
  const isHelp = (word: string | undefined): boolean => word === "help" || word === "h";
  const [first = "", second, ...rest] = argv;
  if (isHelp(first)) return [...argv.slice(1), "--help"];
  const isNoun = GROUPS.some(({ name, aliases }) => name === first || aliases.includes(first));
  return isNoun && isHelp(second) ? [first, ...rest, "--help"] : [...argv];
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
