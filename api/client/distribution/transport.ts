// What pulls and pushes need of a registry, whoever speaks to it.
// @source containerd core/remotes/resolver.go
import type { Descriptor } from "../../core/descriptor.js";
import type { Reference } from "../../core/reference.js";
import type { ChildDescriptor } from "./manifest.js";

/** Reads objects of one repository. `Registry.fetcher` gives it; it holds nothing open that is to be closed. */
export interface Fetcher {
  /**
   * The bytes of an object from `offsetBytes` on. A connection that is lost is taken up again where it ended.
   * @throws not_found, unauthenticated, permission_denied; unavailable when further tries bring nothing either.
   */
  fetch(descriptor: ChildDescriptor, offsetBytes: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/** One object to be pushed: its bytes, and where the registry may have it already. */
export interface PushSource {
  /** All bytes of the object; may be asked for again when a try fails. */
  bytes(): AsyncIterable<Uint8Array>;
  /** Other repositories of the same registry that have it, the most likely first. */
  readonly mountFrom: readonly string[];
  /** Told how many bytes have gone in all. */
  onProgress?(doneBytes: number): void;
}

/** Writes objects into one repository. `Registry.pusher` gives it; it holds nothing open that is to be closed. */
export interface Pusher {
  /**
   * Sends one object, unless the registry has it.
   * @returns whether it had to be sent.
   * @throws not_found, unauthenticated, permission_denied; unavailable when further tries bring nothing either.
   */
  push(descriptor: Descriptor, source: PushSource, signal?: AbortSignal): Promise<boolean>;
}

/** What `pull` and `push` need of registries. `createRegistry` gives one that speaks the distribution protocol; others may do as well. */
export interface Registry {
  /** What a reference stands for. @throws not_found, unauthenticated, permission_denied, unavailable. */
  resolve(reference: Reference, signal?: AbortSignal): Promise<Descriptor>;
  /** Fetches from the repository of a reference. */
  fetcher(reference: Reference): Fetcher;
  /** Pushes into the repository of a reference; `target` is what its tag will stand for. */
  pusher(reference: Reference, target: Descriptor): Pusher;
}
