// News of a pull, push, import or export on its way, for whoever shows it.
import type { Descriptor } from "../../core/descriptor.js";

/** What is happening to one object. */
export type ObjectStatus =
  | "waiting"
  | "downloading"
  | "uploading"
  | "done"
  | "exists"
  | "unpacking"
  | "unpacked"
  | "mounted";

/** One piece of news. Later ones about the same name replace earlier ones. */
export interface ProgressEvent {
  /** Ref of the object, as `refOf` makes it; the image's name for the image as a whole. */
  readonly name: string;
  /** `resolving`, `resolved` and `saved` are of an image as a whole. */
  readonly status: ObjectStatus | "resolving" | "resolved" | "saved";
  /** Of the object, once it is known. */
  readonly descriptor?: Descriptor | undefined;
  /** Bytes so far. */
  readonly doneBytes?: number;
  /** Bytes in all; absent or 0 when unknown. */
  readonly totalBytes?: number;
  /** Names of what this is a part of. */
  readonly parents?: readonly string[];
}

/** Hears of each step of a pull, push, import or export, in its way: it should be quick and must not throw. */
export type OnProgress = (event: ProgressEvent) => void;
