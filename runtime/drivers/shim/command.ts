// Running a shim binary for one of its short actions (`start`, `delete`) and collecting what it says.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { ContainerdError, unknownError } from "../../../api/core/errors.js";

/** More than any shim has to say; what lies beyond is dropped. */
const MAX_OUTPUT_BYTES = 1 << 20;

export interface CommandRequest {
  readonly binary: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fed to stdin, which then ends. */
  readonly input: Uint8Array;
  /** The program is killed when it takes longer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** How much longer it may take once the signal has come; it is then waited for as if there had been none. Default: 0. */
  readonly graceMs?: number;
}

export interface CommandResult {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** As Go prints it: "" for success, else `exit status 1` or `signal: killed`. */
  readonly failure: string;
}

class Collector {
  readonly #chunks: Buffer[] = [];
  #sizeBytes = 0;

  add(chunk: Buffer): void {
    const room = MAX_OUTPUT_BYTES - this.#sizeBytes;
    if (room <= 0) return;
    this.#chunks.push(chunk.subarray(0, room));
    this.#sizeBytes += Math.min(chunk.length, room);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

const cancelled = (): ContainerdError => new ContainerdError("cancelled", "context canceled");

function failureText(code: number | null, signal: NodeJS.Signals | null): string {
  if (code === 0) return "";
  if (code !== null) return `exit status ${code}`;
  return signal === "SIGKILL" ? "signal: killed" : `signal: ${signal ?? "unknown"}`;
}

/**
 * Runs the binary in a process group of its own and waits until it has exited and closed its output.
 * @throws kind unknown when it cannot be started, cancelled or deadline_exceeded when it was not given the time.
 */
export async function runCommand(request: CommandRequest): Promise<CommandResult> {
  const { binary, args, cwd, env, input, timeoutMs, signal, graceMs = 0 } = request;
  if (signal?.aborted) throw cancelled();
  const child = spawn(binary, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const [stdout, stderr] = [new Collector(), new Collector()];
  child.stdout.on("data", (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
  // A program that does not read its stdin (and so breaks the pipe) is within its rights.
  child.stdin.on("error", () => {});
  child.stdin.end(input);

  let stopped: ContainerdError | undefined;
  const kill = (why: ContainerdError): void => {
    stopped ??= why;
    child.kill("SIGKILL");
    // A grandchild may hold the pipes open; it is not waited for.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  let grace: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    if (graceMs === 0) kill(cancelled());
    else grace = setTimeout(() => kill(cancelled()), graceMs);
  };
  const timer = setTimeout(
    () => kill(new ContainerdError("deadline_exceeded", "context deadline exceeded")),
    timeoutMs,
  );
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const [code, exitSignal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    if (stopped !== undefined) throw stopped;
    return { stdout: stdout.bytes(), stderr: stderr.bytes(), failure: failureText(code, exitSignal) };
  } catch (error) {
    if (error instanceof ContainerdError) throw error;
    throw unknownError(`fork/exec ${binary}: ${error instanceof Error ? error.message : String(error)}`, error);
  } finally {
    clearTimeout(timer);
    clearTimeout(grace);
    signal?.removeEventListener("abort", onAbort);
  }
}
