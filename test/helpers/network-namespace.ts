// A network namespace of a test's own, where only loopback is up: bridges, firewall rules and ports in it are nobody else's, and are
// gone with the last process in it. Unix sockets reach across.
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Program, type ProgramOptions, type ProgramResult, runProgram, startProgram } from "./program.js";
import { Hopeless, until } from "./until.js";

export interface NetworkNamespace {
  /** Of the process that keeps it. */
  readonly pid: number;
  /** What stands before a command that is to run in it. */
  readonly prefix: readonly [string, ...string[]];
  /** A command in it, to its end. */
  run(command: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** The same in the background. */
  start(command: readonly string[], options?: ProgramOptions): Promise<Program>;
}

/** Makes it; needs root. It ends with the scope, once nobody else is in it; also when the test's own process is killed. */
export async function makeNetworkNamespace(scope: DisposeScope): Promise<NetworkNamespace> {
  // `cat` ends with its input, so with this process.
  const keeper = scope.use(
    await startProgram("unshare", ["--net", "sh", "-c", "ip link set lo up && echo up && exec cat"], {
      timeoutMs: 3_600_000,
    }),
  );
  let hasEnded = false;
  void keeper.result.then(() => {
    hasEnded = true;
  });
  await until("the network namespace", () => {
    if (hasEnded) throw new Hopeless(`no network namespace: ${keeper.stderr()}`);
    return keeper.stdout() !== "";
  });
  const prefix = ["nsenter", `--net=/proc/${keeper.pid}/ns/net`] as const;
  const [file, ...first] = prefix;
  return {
    pid: keeper.pid,
    prefix,
    run: (command, options) => runProgram(file, [...first, ...command], options),
    start: (command, options) => startProgram(file, [...first, ...command], options),
  };
}
