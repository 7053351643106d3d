// Content and ingests between wire and record.
import type { ContentInfo, IngestStatus } from "../../api/core/content.js";
import { invalidArgument } from "../../api/core/errors.js";
import { toTimestamp } from "../../api/core/time.js";
import { Info, Status } from "../../api/gen/services/content/v1/content.js";
import { toMap, toRecord } from "../maps.js";

export const toInfoMessage = (info: ContentInfo): Info =>
  Info.fromPartial({
    digest: info.digest,
    size: BigInt(info.sizeBytes),
    createdAt: toTimestamp(info.createdAtNs),
    updatedAt: toTimestamp(info.updatedAtNs),
    labels: toMap(info.labels),
  });

/** What an update takes. @throws invalid_argument when there is nothing. */
export function fromInfoMessage(message: Info | undefined): Pick<ContentInfo, "digest" | "labels"> {
  if (message === undefined) throw invalidArgument("info must be set");
  return { digest: message.digest, labels: toRecord(message.labels) };
}

/** `expected` stays empty, as containerd leaves it. */
export const toStatusMessage = (status: IngestStatus): Status =>
  Status.fromPartial({
    startedAt: toTimestamp(status.startedAtNs),
    updatedAt: toTimestamp(status.updatedAtNs),
    ref: status.ref,
    offset: BigInt(status.offsetBytes),
    total: BigInt(status.totalBytes),
  });

/** Sizes and offsets count bytes of files: what is negative or larger than any is refused or cut by whoever gets it. */
export const toBytes = (value: bigint): number => Number(value);
