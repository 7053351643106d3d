// What pulls and pushes need of a registry, whoever speaks to it.
// @source containerd core/remotes/resolver.go
import type { Descriptor } from "../../core/descriptor.js";
import type { ChildDescriptor } from "./manifest.js";
import type { Reference } from "./reference.js";

export interface Fetcher {
  /**
   * The bytes of an object from `offsetBytes` on. A connection that is lost is taken up again where it ended.
   * @throws not_found, unauthenticated, unavailable.
   */
  fetch(descriptor: ChildDescriptor, offsetBytes: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface PushSource {
  /** All bytes of the object; may be asked for again when a try fails. */
  bytes(): AsyncIterable<Uint8Array>;
  /** Other repositories of the same registry that have it, the most likely first. */
  readonly mountFrom: readonly string[];
  /** Told how many bytes have gone. */
  onProgress?(doneBytes: number): void;
}

export interface Pusher {
  /** @returns whether it had to be sent; false when the registry has it. */
  push(descriptor: Descriptor, source: PushSource, signal?: AbortSignal): Promise<boolean>;
}

export interface Registry {
  /** What a reference stands for. @throws not_found, permission_denied, unavailable. */
  resolve(reference: Reference, signal?: AbortSignal): Promise<Descriptor>;
  fetcher(reference: Reference): Fetcher;
  /** Pushes into the repository of a reference; `target` is what its tag will stand for. */
  pusher(reference: Reference, target: Descriptor): Pusher;
}
