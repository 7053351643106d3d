// An exec of LXD on the bridge: one connection, whose end LXD tells once. The exit code stays here for whoever asks later.
import { once } from "node:events";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { errorOf } from "../../../api/core/errors.js";
import type { StreamExit, StreamRequest } from "../../bridge/protocol.js";
import type { Ahead, Connection, Piece, Size, Source, SourceStatus } from "../../bridge/source.js";
import { type LxdExec, startExec } from "../exec.js";
import { getInstanceState, openInstanceLog } from "../instances.js";
import type { LxdServer } from "../server.js";
import type { ExecTarget } from "./target.js";

/** Where nobody knows. */
const UNKNOWN_EXIT = 255;
/** LXD's codes for a command that is not there or cannot be run; programs end with them as well. */
const NOT_RUN = new Map([
  [126, "command not executable"],
  [127, "command not found"],
]);
const MEBIBYTE = 1024 * 1024;
/** What is held for a reader who does not read: LXD tells an exit only when all output has been taken. */
const AHEAD_BYTES = 8 * MEBIBYTE;
const DEFAULT_SIZE: Size = { columns: 80, rows: 24 };

/** Starts it. @throws as `startExec`. */
export async function openExecSource(
  server: LxdServer,
  target: ExecTarget,
  { stdio }: StreamRequest,
  signal: AbortSignal,
): Promise<Source> {
  const { instance, command, env, uid, gid, cwd, size = DEFAULT_SIZE } = target;
  const startedAtMs = Date.now();
  const exec = await startExec(server, instance, {
    command,
    env,
    uid,
    gid,
    cwd,
    ...(stdio.terminal ? { terminal: size } : {}),
    signal,
  });
  if (stdio.stdin === "" && !stdio.terminal) await exec.endInput().catch(() => undefined);
  return new ExecSource(server, target, exec, stdio.terminal, startedAtMs);
}

class ExecSource implements Source {
  readonly isLost = false;
  readonly hasInputEnd: boolean;
  readonly #server: LxdServer;
  readonly #instance: string;
  readonly #exec: LxdExec;
  readonly #exit: Promise<StreamExit>;
  #hasExited = false;
  #kills = 0;

  constructor(server: LxdServer, target: ExecTarget, exec: LxdExec, isTerminal: boolean, startedAtMs: number) {
    this.#server = server;
    this.#instance = target.instance;
    this.#exec = exec;
    this.hasInputEnd = !isTerminal;
    this.#exit = this.#follow(target.command[0], startedAtMs);
  }

  async *connections(signal: AbortSignal): AsyncGenerator<Connection> {
    const exec = this.#exec;
    const givenUp = signal.aborted ? Promise.resolve() : once(signal, "abort");
    void givenUp.then(() => exec[Symbol.dispose]());
    const outputs = [piecesOf("stdout", exec.stdout), ...(this.hasInputEnd ? [piecesOf("stderr", exec.stderr)] : [])];
    // A process may go on when it has closed its outputs, and LXD would kill it.
    yield { outputs, input: inputOf(exec), destroy: () => {} };
    await Promise.race([this.#exit, givenUp]);
  }

  /** Once it is killed, what is on its way still must not wait for a reader, or its exit is not told. */
  async ahead(signal: AbortSignal): Promise<Ahead> {
    const isRunning = await getInstanceState(this.#server, this.#instance, { signal }).then(
      ({ status }) => status !== "Stopped",
      () => false,
    );
    return { bytes: AHEAD_BYTES + this.#kills * MEBIBYTE, beyond: isRunning ? "wait" : "drop" };
  }

  status(): Promise<SourceStatus> {
    return Promise.resolve(this.#hasExited ? "exited" : "running");
  }

  async kill(signal: number): Promise<void> {
    this.#refuseExited();
    await this.#exec.kill(signal);
    this.#kills += 1;
  }

  async resize({ columns, rows }: Size): Promise<void> {
    this.#refuseExited();
    await this.#exec.resize(columns, rows);
  }

  async exit(signal: AbortSignal): Promise<StreamExit> {
    signal.throwIfAborted();
    return await new Promise<StreamExit>((resolve, reject) => {
      const stop = (): void => reject(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
      void this.#exit.then((exit) => {
        signal.removeEventListener("abort", stop);
        resolve(exit);
      });
    });
  }

  close(): void {
    this.#exec[Symbol.dispose]();
  }

  #refuseExited(): void {
    if (this.#hasExited) throw errorOf("not_found", "process already finished");
  }

  async #follow(program: string, startedAtMs: number): Promise<StreamExit> {
    const code = await this.#exec.exit.catch(() => UNKNOWN_EXIT);
    const exitedAtNs = BigInt(Date.now()) * 1_000_000n;
    const refusal = await this.#refusalOf(code, program, startedAtMs);
    this.#hasExited = true;
    const exitStatus = code < 0 ? UNKNOWN_EXIT : code;
    return { exitStatus, exitedAtNs, ...(refusal === undefined ? {} : { refusal }) };
  }

  /** Whether it was LXC that did not get the program to run, which its log tells. */
  async #refusalOf(code: number, program: string, startedAtMs: number): Promise<string | undefined> {
    const words = NOT_RUN.get(code);
    if (words === undefined) return undefined;
    try {
      const log = await text(await openInstanceLog(this.#server, this.#instance, "lxc.log"));
      const said = log.split("\n").findLast((line) => line.includes(`Failed to exec "${program}"`));
      if (said === undefined || timeOf(said) < Math.floor(startedAtMs)) return undefined;
    } catch {
      // Then LXD's word is all there is.
    }
    return words;
  }
}

/** Of a line of LXC's log, which has it in UTC: `lxc web 20260131235959.123 ERROR …`. NaN for none. */
function timeOf(line: string): number {
  const [, date = "", time = "", ms = ""] = /\b(\d{8})(\d{6})\.(\d{3})\b/.exec(line) ?? [];
  const [day, clock] = [date.replace(/(....)(..)(..)/, "$1-$2-$3"), time.replace(/(..)(..)(..)/, "$1:$2:$3")];
  return Date.parse(`${day}T${clock}.${ms}Z`);
}

async function* piecesOf(kind: Piece["kind"], source: AsyncIterable<Buffer>): AsyncGenerator<Piece> {
  for await (const data of source) yield { kind, data };
}

function inputOf(exec: Pick<LxdExec, "write" | "endInput">): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      exec.write(chunk).then(() => done(), done);
    },
    final: (done) => {
      exec.endInput().then(() => done(), done);
    },
  });
}
