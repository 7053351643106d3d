// What a process of the host is given to read and write, whoever is at the other end: FIFOs, files, a log program, a terminal.

/**
 * Opened before its process is made. The process gets descriptors, no copies are made on the way, except for a terminal.
 * Disposing closes all that is still open; an output that somebody else holds open (a child of the process) goes on.
 */
export interface ProcessIO extends AsyncDisposable {
  /** For the process's descriptors 0, 1 and 2. */
  readonly descriptors: readonly [stdin: number, stdout: number, stderr: number];
  /** The path of its terminal, which it opens itself to make it its controlling one; undefined without one. */
  readonly terminalPath: string | undefined;
  /** The process has its descriptors: ours are closed. */
  handedOver(): void;
  /**
   * No more input comes from here: the process reads the end of file once the client has closed its end as
   * well, or finds its terminal hung up. Idempotent.
   */
  closeStdin(): void;
  /** Of the terminal, in characters; without one nothing happens. */
  resize(width: number, height: number): void;
  /** The process has exited: resolves when what it wrote has arrived at the other end, and the ends here are closed. */
  finish(): Promise<void>;
}
