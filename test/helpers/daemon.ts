// berthd as a child process for the tests of the daemon itself: with its folders known, to be stopped, killed and started again.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { DisposeScope } from "../../api/core/dispose.js";
import type { Engine } from "./engine.js";
import { removeEngineLeftovers } from "./leftovers.js";
import { ownProgram } from "./own-program.js";
import { type Program, type ProgramResult, runProgram, startProgram } from "./program.js";
import { tempDir } from "./temp.js";
import { Hopeless, until } from "./until.js";

export interface BerthdOptions {
  /** Folder that holds root, state and socket. Default: a fresh one, removed with the scope. */
  readonly dir?: string;
  /** More arguments. */
  readonly args?: readonly string[];
  /** The contents of its config file. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Berthd extends Engine {
  readonly name: "berthd";
  readonly dir: string;
  readonly rootDir: string;
  readonly ttrpcAddress: string;
  /** Resolves when it has ended, however that came. */
  readonly ended: Promise<ProgramResult>;
  /** Sends SIGTERM and waits for its end. Tasks go on; the scope still removes what is left of them at its own end. */
  stop(): Promise<ProgramResult>;
  /** Ends it with SIGKILL. */
  kill(): Promise<ProgramResult>;
  /** A new one on the same folders, after `stop` or `kill`. */
  restart(): Promise<Berthd>;
  /** Starts a new one on the same folders, after `stop` or `kill`, and ends it with SIGKILL so much later, ready or not. */
  restartAndKill(afterMs: number): Promise<void>;
}

const LIFETIME_MS = 3_600_000;

/** Runs berthd to its end, for what it refuses and for its other commands. */
export function runBerthd(
  args: readonly string[],
  options: Parameters<typeof runProgram>[2] = {},
): Promise<ProgramResult> {
  const [file, ...first] = ownProgram("berthd");
  return runProgram(file, [...first, ...args], options);
}

/** Starts berthd and resolves when it is ready. It and whatever its tasks left behind end with the scope. */
export async function startBerthd(scope: DisposeScope, options: BerthdOptions = {}): Promise<Berthd> {
  const dir = options.dir ?? (await tempDir(scope));
  await mkdir(dir, { recursive: true });
  const { address, stateDir } = foldersOf(dir);
  scope.defer(() => removeEngineLeftovers(address, stateDir));
  return await start(scope, dir, options);
}

const foldersOf = (dir: string) => ({
  address: join(dir, "b.sock"),
  stateDir: join(dir, "state"),
  rootDir: join(dir, "root"),
});

/** Runs it, and waits for nothing. */
async function launch(dir: string, options: BerthdOptions): Promise<Program> {
  const { address, stateDir, rootDir } = foldersOf(dir);
  const configFile = join(dir, "berthd.toml");
  await writeFile(configFile, options.config ?? "");
  const [file, ...first] = ownProgram("berthd");
  return await startProgram(
    file,
    [
      ...first,
      ...["--config", configFile, "--root", rootDir, "--state", stateDir, "--address", address],
      ...["--log-level", "debug", ...(options.args ?? [])],
    ],
    { timeoutMs: LIFETIME_MS, ...(options.env === undefined ? {} : { env: options.env }) },
  );
}

async function start(scope: DisposeScope, dir: string, options: BerthdOptions): Promise<Berthd> {
  const { address, stateDir, rootDir } = foldersOf(dir);
  const daemon = await launch(dir, options);
  scope.defer(() => daemon.stop());
  let hasEnded = false;
  void daemon.result.then(() => {
    hasEnded = true;
  });
  await until("berthd to be ready", () => {
    if (hasEnded) throw new Hopeless(`berthd ended before it was ready:\n${daemon.stderr()}`);
    return daemon.stderr().includes("berthd ready");
  });
  return {
    name: "berthd",
    dir,
    address,
    ttrpcAddress: `${address}.ttrpc`,
    stateDir,
    rootDir,
    pid: daemon.pid,
    ended: daemon.result,
    log: () => daemon.stderr(),
    stop: async () => {
      await daemon.stop();
      return await daemon.result;
    },
    kill: async () => {
      daemon.signal("SIGKILL");
      return await daemon.result;
    },
    restart: () => start(scope, dir, options),
    restartAndKill: async (afterMs) => {
      await using _killed = await launch(dir, options);
      await delay(afterMs);
    },
  };
}
