// What a failed system call says of itself.

/** Whether the error carries one of these codes (`ENOENT`, …), as those of node:fs and of this folder do. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}
