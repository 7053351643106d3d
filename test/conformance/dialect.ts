// Where containerd's releases differ in what the suites look at.

/** `2.x`: current releases, and ours. `1.6`: Debian 12's, which knows no sandboxes and words one refusal otherwise. */
export type Dialect = "1.6" | "2.x";

/** The refusal of a label of 4097 bytes whose key is `k`. */
export function labelTooLarge(dialect: Dialect): string {
  const length = dialect === "1.6" ? "" : " length (4097 bytes)";
  return `label key and value${length} greater than maximum size (4096 bytes), key: k: invalid argument`;
}
