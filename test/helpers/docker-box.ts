// A container of a real engine with its stdio on a bridge, as the driver brings both together.
import { Readable, type Writable } from "node:stream";
import { z } from "zod";
import { FifoEnds } from "../../api/client/io/fifo-ends.js";
import { makeFifos } from "../../api/client/io/fifos.js";
import type { Stdio } from "../../api/core/task.js";
import type { Bridge } from "../../runtime/docker/bridge/client.js";
import { EXEC_DETACH_KEYS } from "../../runtime/docker/bridge/detach-keys.js";
import { askEngine } from "../../runtime/docker/bridge/engine-http.js";
import { BUSYBOX } from "./docker-images.js";
import { until } from "./until.js";

const made = z.object({ Id: z.string() });
const containerState = z.object({ State: z.object({ Status: z.string(), ExitCode: z.number() }) });

export interface BoxPlace {
  readonly bridge: Bridge;
  /** Of the engine. */
  readonly host: string;
}

/** FIFOs of a process, with the client's ends. */
export interface Pipes extends Disposable {
  readonly stdio: Stdio;
  readonly ends: FifoEnds;
}

/** Makes them in a folder of their own below `dir`. With a terminal there is no stderr. */
export async function makePipes(dir: string, { terminal = false } = {}): Promise<Pipes> {
  const stdio = await makeFifos({ id: "p", terminal, parentDir: dir });
  const ends = FifoEnds.hold(stdio);
  return { stdio, ends, [Symbol.dispose]: () => ends[Symbol.dispose]() };
}

/** The streams of pipes whose other ends the bridge has open: they end with it. */
export function takeStreams({ ends }: Pipes): {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
} {
  const { stdin, stdout, stderr } = ends.streams();
  ends.release();
  if (stdin === undefined || stdout === undefined) throw new Error("there are no pipes");
  return { stdin, stdout, stderr: stderr ?? Readable.from([]) };
}

/** All that has come so far. */
export function gather(stream: Readable): () => string {
  let all = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    all += chunk;
  });
  return () => all;
}

export interface Box {
  readonly key: string;
  readonly dockerId: string;
  start(): Promise<void>;
  /** Resolves with the exit code. */
  exited(timeoutMs?: number): Promise<number>;
  kill(): Promise<void>;
  /** Waits for its end and that of its output, then removes it. @returns its exit code. */
  remove(): Promise<number>;
  /** Makes an exec and starts it over the bridge. @returns its key and what tells its exit code. */
  exec(args: readonly string[], stdio: Stdio): Promise<{ readonly key: string; exited(): Promise<number> }>;
}

/** Creates a container with this stdio and attaches it; it has not started. */
export async function makeBox({ bridge, host }: BoxPlace, args: readonly string[], stdio: Stdio): Promise<Box> {
  const ask = (method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<unknown> =>
    askEngine({ host, method, path, ...(body === undefined ? {} : { body }) });
  const isTyped = stdio.stdin !== "";
  const config = {
    Image: BUSYBOX,
    Entrypoint: args,
    Cmd: [],
    Tty: stdio.terminal,
    OpenStdin: isTyped,
    StdinOnce: isTyped,
    AttachStdin: isTyped,
    AttachStdout: true,
    AttachStderr: true,
    NetworkDisabled: true,
  };
  const dockerId = made.parse(await ask("POST", "/containers/create", config)).Id;
  const key = `bt/${dockerId.slice(0, 12)}`;
  await bridge.attach(key, { namespace: "bt", id: dockerId, containerId: dockerId, stdio, openStdin: isTyped });
  const exited: Box["exited"] = async (timeoutMs) => {
    const { State } = await until(
      "the container to exit",
      async () => {
        const state = containerState.parse(await ask("GET", `/containers/${dockerId}/json`));
        return state.State.Status === "exited" ? state : false;
      },
      timeoutMs,
    );
    return State.ExitCode;
  };
  return {
    key,
    dockerId,
    start: async () => void (await ask("POST", `/containers/${dockerId}/start`)),
    exited,
    kill: async () => void (await ask("POST", `/containers/${dockerId}/kill`)),
    remove: async () => {
      const code = await exited();
      await bridge.finished(key);
      await bridge.release(key);
      await ask("DELETE", `/containers/${dockerId}?v=1`);
      return code;
    },
    exec: async (command, wanted) => {
      const body = {
        Cmd: command,
        Tty: wanted.terminal,
        AttachStdin: wanted.stdin !== "",
        AttachStdout: true,
        AttachStderr: true,
        DetachKeys: EXEC_DETACH_KEYS,
      };
      const dockerExecId = made.parse(await ask("POST", `/containers/${dockerId}/exec`, body)).Id;
      const execKey = `${key}/${dockerExecId.slice(0, 12)}`;
      await bridge.startExec(execKey, { namespace: "bt", id: dockerId, dockerExecId, stdio: wanted });
      const execState = z.object({ Running: z.boolean(), ExitCode: z.number().nullable() });
      return {
        key: execKey,
        exited: async () => {
          const { ExitCode } = await until("the exec to exit", async () => {
            const state = execState.parse(await ask("GET", `/exec/${dockerExecId}/json`));
            return state.Running ? false : state;
          });
          return ExitCode ?? -1;
        },
      };
    },
  };
}
