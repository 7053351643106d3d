// The limit of a request where nothing is encoded: what could not have come over the socket does not come in here either, so
// that whatever one client stores, every other client can read.
import type { ClientMethod } from "../../api/client/channel.js";
import { ContainerdError } from "../../api/core/errors.js";

/** The most that a tag and a length take, and every number. */
const FIELD_BYTES = 11;
/** Of one UTF-16 unit in UTF-8. */
const UNIT_BYTES = 3;

/** @throws resource_exhausted, in the words of a gRPC client. */
export function checkRequestSize<Request>(
  method: ClientMethod<Request, unknown>,
  request: Request,
  maxBytes: number,
): void {
  // Encoded only when it may be too long.
  if (sizeAtMost(request) <= maxBytes || method.requestSerialize(request).length <= maxBytes) return;
  throw new ContainerdError("resource_exhausted", `Attempted to send message with a size larger than ${maxBytes}`);
}

/** At least as much as the encoded message takes. */
function sizeAtMost(value: unknown): number {
  if (typeof value === "string") return FIELD_BYTES + UNIT_BYTES * value.length;
  if (typeof value !== "object" || value === null) return FIELD_BYTES;
  if (value instanceof Uint8Array) return FIELD_BYTES + value.length;
  let size = FIELD_BYTES;
  if (value instanceof Map) for (const [key, each] of value) size += FIELD_BYTES + sizeAtMost(key) + sizeAtMost(each);
  else for (const each of Object.values(value)) size += sizeAtMost(each);
  return size;
}
