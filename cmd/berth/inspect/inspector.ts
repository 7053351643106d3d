// What berth inspect looks for: each kind of thing says how one of its kind is found by name, and all that is known of it.

import { isInvalidArgument, isNotFound } from "../../../api/core/errors.js";
import { formatTime } from "../../../api/core/time.js";
import type { CommandContext } from "../command.js";

export interface InspectOptions {
  /** Only snapshots of this snapshotter. Default: of all. */
  readonly snapshotter?: string | undefined;
}

/** A document, or undefined when there is none of that name. */
export type Inspector = (context: CommandContext, name: string, options: InspectOptions) => Promise<object | undefined>;

/** undefined for what is not there, and for a name that nothing of the kind can have. */
export async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (!isNotFound(error) && !isInvalidArgument(error)) throw error;
    return undefined;
  }
}

export const time = (timeNs: bigint | undefined): string | undefined =>
  timeNs === undefined ? undefined : formatTime(timeNs);
