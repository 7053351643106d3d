// Which kind of stdio a client asks for, by its paths and addresses.
// @source containerd runtime/v2/runc/process/io.go, init.go
import type { Stdio } from "../../api/core/task.js";
import type { Owner } from "../stdio/client-ends.js";
import { outputAddress } from "../stdio/output-address.js";
import { openLoggedIO, openNullIO, openPlainIO } from "./plain-io.js";
import type { ProcessIO } from "./process-io.js";
import { openTerminalIO } from "./terminal.js";

const DEFAULT_READER_TIMEOUT_MS = 30_000;

export interface ProcessIOOptions {
  readonly namespace: string;
  /** Of the container, also for its execs. */
  readonly id: string;
  /** Ends the waiting for readers of the output. */
  readonly signal?: AbortSignal | undefined;
  /** Whose process it is: gets the terminal, and FIFOs that are our own user's. Default: stays our own user's. */
  readonly owner?: Owner | undefined;
  /** How long FIFOs may be without a reader. Default: 30 s. */
  readonly readerTimeoutMs?: number | undefined;
}

/**
 * Opens what a process will read and write. Dispose it when the process is deleted.
 * @throws deadline_exceeded when nobody comes to read a FIFO; unknown, in containerd's words, for paths that cannot be opened and
 * addresses of no known kind. Nothing stays open then.
 */
export async function openProcessIO(stdio: Stdio, options: ProcessIOOptions): Promise<ProcessIO> {
  const deadlineMs = Date.now() + (options.readerTimeoutMs ?? DEFAULT_READER_TIMEOUT_MS);
  const open = { owner: options.owner, signal: options.signal, deadlineMs };
  if (stdio.terminal) return await openTerminalIO(stdio, { ...options, ...open });
  if (stdio.stdin === "" && stdio.stdout === "" && stdio.stderr === "") return openNullIO();
  const address = outputAddress(stdio.stdout);
  switch (address.kind) {
    case "path":
      return await openPlainIO(stdio, open);
    case "file":
      return await openPlainIO({ ...stdio, stdout: address.path, stderr: address.path }, open);
    case "program":
      return await openLoggedIO(stdio, { ...options, ...open, ...address });
  }
}
