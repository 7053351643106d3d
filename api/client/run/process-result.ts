// What is told of a process that has ended.

/** How a process ended. */
export interface ProcessResult {
  /** 128 and the signal's number after a signal; 255 when nobody knows. */
  readonly exitStatus: number;
  /** Nanoseconds since 1970; undefined when nobody knows. */
  readonly exitedAtNs: bigint | undefined;
  /** It was killed because it had run for `timeoutMs`. */
  readonly timedOut: boolean;
}
