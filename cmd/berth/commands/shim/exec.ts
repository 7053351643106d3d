// berth shim exec: one more process in a task, registered and started at its shim.
// @source containerd cmd/ctr/commands/shim/shim.go, io_unix.go
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { copyStreams } from "../../../../api/client/io/copy.js";
import { FifoEnds } from "../../../../api/client/io/fifo-ends.js";
import { makeFifos, removeFifos } from "../../../../api/client/io/fifos.js";
import { mergeEnv } from "../../../../api/client/spec/create-spec.js";
import { DisposeScope } from "../../../../api/core/dispose.js";
import type { Stdio } from "../../../../api/core/task.js";
import { anyOfJson, PROCESS_TYPE } from "../../../../api/core/typeurl.js";
import { makeFifo } from "../../../../runtime/sys/fifo.js";
import { defineCommand } from "../../command.js";
import { SESSION_FAILURE_STATUS, UsageError } from "../../exit-status.js";
import { collect, withoutDashes } from "../../flags.js";
import { connectShim, type Shim, type ShimFlags } from "../../shim-client.js";
import { catchSignals, signalNumber } from "../../signals.js";
import { followSize, rawMode, requireTerminal } from "../../terminal.js";

interface ExecFlags extends ShimFlags {
  stdin?: string;
  stdout?: string;
  stderr?: string;
  tty?: boolean;
  attach?: boolean;
  env?: string[];
  cwd?: string;
  spec?: string;
}

/** A child of the process may keep the output open. */
const IDLE_AFTER_EXIT_MS = 10_000;

export const command = defineCommand<ExecFlags>({
  arguments: "<exec> [command...]",
  passThrough: true,
  failureStatus: SESSION_FAILURE_STATUS,
  completes: ["none", "none"],
  help: `The process is described by --spec, an OCI Process as JSON, or by the command. It runs as root unless --spec says otherwise. With --attach
berth exits with its status and deletes it then; otherwise \`shim delete\` does. The daemon knows nothing of it.`,
  examples: [
    { line: "berth shim --id web exec --attach look /bin/ls -l /", does: "a process in the task, past the daemon" },
    { line: "berth shim --id web exec --spec process.json job", does: "one that goes on" },
  ],
  options: (command) => {
    command
      .option("--stdin <fifo>", "named pipe for its input; made if it is not there")
      .option("--stdout <fifo>", "likewise for its output")
      .option("--stderr <fifo>", "likewise for its errors")
      .option("-t, --tty", "give it a terminal")
      .option("-a, --attach", "stay with it, and have its input and output")
      .option("-e, --env <key=value>", "environment variable (repeatable)", collect)
      .option("--cwd <dir>", "working directory")
      .option("--spec <file>", "the process as JSON");
  },
  run: async (context, [execId = "", ...words], flags) => {
    const terminal = flags.tty === true;
    const attach = flags.attach === true;
    if (attach && terminal) requireTerminal();
    const process = await processOf(flags, withoutDashes(words), terminal);
    await using shim = await connectShim(context, flags);
    const { stdio, isOwn } = await stdioOf(execId, flags, terminal, attach);
    const ends = attach ? FifoEnds.hold(stdio) : undefined;
    try {
      const spec = { ...anyOfJson(PROCESS_TYPE, process) };
      await shim.call(shim.api.exec, { id: shim.id, execId, ...stdio, spec });
      if (ends !== undefined) return await stay(shim, execId, terminal, ends, context.output.handOver);
      const { pid } = await shim.call(shim.api.start, { id: shim.id, execId });
      context.output.line(`exec running with pid ${pid}`);
      return 0;
    } finally {
      ends?.[Symbol.dispose]();
      if (isOwn) await removeFifos(stdio);
    }
  },
});

/** @throws UsageError for what is no process. */
async function processOf(flags: ExecFlags, args: readonly string[], terminal: boolean): Promise<object> {
  const { spec, cwd, env = [] } = flags;
  if ((spec === undefined) === (args.length === 0)) {
    throw new UsageError("the process is described either by --spec or by a command");
  }
  const own = spec === undefined ? { args, cwd: "/", user: { uid: 0, gid: 0 } } : await readProcess(spec);
  const before = "env" in own && Array.isArray(own.env) ? own.env.map(String) : [];
  return {
    ...own,
    ...(terminal ? { terminal } : {}),
    ...(env.length === 0 ? {} : { env: mergeEnv(before, env) }),
    ...(cwd === undefined ? {} : { cwd }),
  };
}

async function readProcess(path: string): Promise<object> {
  const refuse = (error: unknown): never => {
    throw new UsageError(`process "${path}" cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  };
  const parsed: unknown = JSON.parse(await readFile(path, "utf8").catch(refuse));
  if (typeof parsed !== "object" || parsed === null || !("args" in parsed)) {
    throw new UsageError(`process "${path}" is no OCI process: it has no args`);
  }
  return parsed;
}

/** The pipes that flags name, made where they are missing; with --attach ones of our own where no flag names any. */
async function stdioOf(
  execId: string,
  flags: ExecFlags,
  terminal: boolean,
  attach: boolean,
): Promise<{ readonly stdio: Stdio; readonly isOwn: boolean }> {
  const { stdin, stdout, stderr } = flags;
  const named = [stdin, stdout, stderr].some((path) => path !== undefined);
  if (attach && !named) return { stdio: await makeFifos({ id: execId, terminal }), isOwn: true };
  const place = (path: string | undefined): string => (path === undefined || path === "" ? "" : resolve(path));
  const stdio = { stdin: place(stdin), stdout: place(stdout), stderr: terminal ? "" : place(stderr), terminal };
  for (const path of [stdio.stdin, stdio.stdout, stdio.stderr]) {
    if (path !== "" && !existsSync(path)) makeFifo(path, 0o700);
  }
  return { stdio, isOwn: false };
}

/** Starts the process and stays with it: its exit status, once its output is out and it is deleted. */
async function stay(
  shim: Shim,
  execId: string,
  terminal: boolean,
  ends: FifoEnds,
  handOver: () => void,
): Promise<number> {
  const { id, api } = shim;
  await using scope = new DisposeScope();
  const ignore = (): void => undefined;
  const exited = shim.call(api.wait, { id, execId });
  exited.catch(ignore);
  await shim.call(api.start, { id, execId });
  const kill = (signal: number): void => {
    shim.call(api.kill, { id, execId, signal, all: false }).catch(ignore);
  };
  scope.use(catchSignals((signal) => kill(signalNumber(signal))));
  if (terminal) {
    scope.use(rawMode());
    scope.use(followSize((size) => void shim.call(api.resizePty, { id, execId, ...size }).catch(ignore)));
  }
  handOver();
  ends.release();
  const copy = copyStreams(ends.streams(), process, {
    onInputEnd: () => void shim.call(api.closeIo, { id, execId, stdin: true }).catch(ignore),
    onOutputLost: () => kill(signalNumber("SIGPIPE")),
  });
  const { exitStatus } = await exited;
  copy.stopInput();
  await copy.drain(IDLE_AFTER_EXIT_MS);
  await shim.call(api.delete, { id, execId });
  return exitStatus;
}
