// Processes in a running instance: their streams go over websockets of their own, signals and window sizes over one beside them.
import * as z from "zod";
import { unknownError } from "../../api/core/errors.js";
import { beginOperation, type RunningOperation, succeeded } from "./operations.js";
import { lxdPath, withQuery } from "./path.js";
import type { CallOptions, LxdServer } from "./server.js";
import { openWebSocket, type WebSocketConnection } from "./websocket.js";

export interface ExecOptions extends CallOptions {
  readonly command: readonly [string, ...string[]];
  /** LXD adds PATH, HOME, USER and LANG where they are missing. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: 0. */
  readonly uid?: number;
  /** Default: 0. */
  readonly gid?: number;
  /** Default: the user's home. */
  readonly cwd?: string;
  /** With one, stdin, stdout and stderr are a terminal of this size in characters. Default: three pipes. */
  readonly terminal?: { readonly columns: number; readonly rows: number };
}

/** A process in an instance. Disposing lets its streams go; a process with a terminal is hung up by that. */
export interface LxdExec extends Disposable {
  /** More of its input; resolves when it takes more. @throws unavailable once it has ended. */
  write(data: Uint8Array): Promise<void>;
  /** The end of its input. A terminal has none: send it what its user would type. */
  endInput(): Promise<void>;
  /** What it writes, a terminal's for both; reads no faster than it is asked. May be taken once. */
  readonly stdout: AsyncGenerator<Buffer>;
  /** Ends at once with a terminal. */
  readonly stderr: AsyncGenerator<Buffer>;
  /** Sends it a signal by its number. @throws unavailable once it has ended. */
  kill(signal: number): Promise<void>;
  /** @throws unavailable once it has ended. */
  resize(columns: number, rows: number): Promise<void>;
  /**
   * Its exit code; 128 and the signal's number after a signal, 126 and 127 where the command cannot be run or is not there.
   * @throws unavailable when LXD went away, which may leave the process running; cancelled.
   */
  readonly exit: Promise<number>;
}

/** Of an instance that does not run. */
const REFUSAL = { refusal: "failed_precondition" } as const;

const startSchema = z.object({ fds: z.record(z.string(), z.string()) });
const endSchema = z.object({ return: z.number() });

/** Starts a process. @throws not_found; failed_precondition for an instance that does not run. */
export async function startExec(server: LxdServer, instance: string, options: ExecOptions): Promise<LxdExec> {
  const what = `exec in instance ${instance}`;
  const { command, env = {}, uid = 0, gid = 0, cwd = "", terminal, ...call } = options;
  const running = await beginOperation(
    server,
    what,
    {
      method: "POST",
      path: lxdPath`/1.0/instances/${instance}/exec`,
      json: {
        command,
        environment: env,
        user: uid,
        group: gid,
        cwd,
        "wait-for-websocket": true,
        interactive: terminal !== undefined,
        ...(terminal !== undefined && { width: terminal.columns, height: terminal.rows }),
      },
    },
    { ...REFUSAL, ...call },
  );
  const exit = exitCode(what, running);
  // Whoever asks is told; a caller whose start fails never does.
  exit.catch(() => undefined);
  const { fds } = startSchema.parse(running.operation.metadata);
  const path = lxdPath`/1.0/operations/${running.operation.id}/websocket`;
  const opened: WebSocketConnection[] = [];
  const open = async (name: string): Promise<WebSocketConnection> => {
    const socket = await openWebSocket(server, what, withQuery(path, { secret: fds[name] }), call);
    opened.push(socket);
    return socket;
  };
  const closeAll = (): void => {
    for (const socket of opened) socket[Symbol.dispose]();
  };
  try {
    // The process starts with the last stream, so what controls it comes first.
    const control = await open("control");
    const stdin = await open("0");
    const [stdout, stderr] = terminal === undefined ? [await open("1"), await open("2")] : [stdin, undefined];
    const tell = async (message: unknown): Promise<void> => await control.send(JSON.stringify(message));
    return {
      write: (data) => stdin.send(data),
      endInput: () => stdin.send(""),
      stdout: bytesOf(stdout),
      stderr: bytesOf(stderr),
      kill: (signal) => tell({ command: "signal", signal }),
      // LXD takes text for numbers here.
      resize: (columns, rows) =>
        tell({ command: "window-resize", args: { width: String(columns), height: String(rows) } }),
      exit,
      [Symbol.dispose]: closeAll,
    };
  } catch (error) {
    closeAll();
    throw error;
  }
}

/** An empty text message is the end. LXD closes by hanging up, which is none. */
async function* bytesOf(socket: WebSocketConnection | undefined): AsyncGenerator<Buffer> {
  if (socket === undefined) return;
  for await (const { isText, data } of socket.messages()) {
    if (isText) return;
    yield data;
  }
}

async function exitCode(what: string, { end }: RunningOperation): Promise<number> {
  const last = await end;
  // A command that cannot be run fails the operation, and has a code all the same.
  const result = endSchema.safeParse(last.metadata);
  if (result.success) return result.data.return;
  throw unknownError(`lxd: ${what}: ${succeeded(what, last, REFUSAL).description}: no exit code`);
}
