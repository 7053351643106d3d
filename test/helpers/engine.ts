// What the tests need to know of a daemon, whichever it is.

export interface Engine {
  readonly name: "containerd" | "berthd";
  /** Its gRPC socket. */
  readonly address: string;
  /** Where its bundles are. */
  readonly stateDir: string;
  readonly pid: number;
  /** What it has logged so far. */
  log(): string;
}
