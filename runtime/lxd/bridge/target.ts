// What a stream leads to at LXD, as the daemon names it to the bridge.
import * as z from "zod";
import { invalidArgument } from "../../../api/core/errors.js";

const count = z.int().min(0).max(65_535);
const place = { lxdSocket: z.string(), instance: z.string().min(1) };

const targetSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("console"), ...place }),
  z.strictObject({
    kind: z.literal("exec"),
    ...place,
    command: z.tuple([z.string()], z.string()),
    env: z.record(z.string(), z.string()),
    uid: z.int().min(0),
    gid: z.int().min(0),
    cwd: z.string(),
    size: z.strictObject({ columns: count, rows: count }).optional(),
  }),
]);

export type LxdTarget = z.infer<typeof targetSchema>;
export type ConsoleTarget = Extract<LxdTarget, { kind: "console" }>;
export type ExecTarget = Extract<LxdTarget, { kind: "exec" }>;

/** @throws invalid_argument for what is none. */
export function parseLxdTarget(target: unknown): LxdTarget {
  const parsed = targetSchema.safeParse(target);
  if (!parsed.success) throw invalidArgument(`lxd bridge: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
