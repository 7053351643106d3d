// How far LXD is with unpacking an image, as its operation tells.
import * as z from "zod";
import type { Operation } from "../../../runtime/lxd/replies.js";

const progressSchema = z.object({
  progress: z.object({ percent: z.coerce.number().int().min(0).max(100), speed: z.coerce.bigint().min(0n) }),
});

export interface UnpackProgress {
  readonly percent: number;
  /** Bytes a second. */
  readonly speed: bigint;
}

/** Undefined when it tells of something else. */
export function unpackProgress({ metadata }: Pick<Operation, "metadata">): UnpackProgress | undefined {
  return progressSchema.safeParse(metadata).data?.progress;
}
