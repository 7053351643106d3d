// What one migration is. The list is in index.ts.

export interface Migration {
  /** What `user_version` is after it; one more than the one before. */
  readonly version: number;
  readonly name: string;
  /** May call `new_uuid()`. */
  readonly sql: string;
}
