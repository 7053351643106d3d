// Containers: records of what could run. A container never runs; its task does.
// @source containerd core/containers/containers.go, core/metadata/containers.go
import type { RequestContext } from "./context.js";
import type { Labels } from "./labels.js";
import type { Any } from "./typeurl.js";

/** A container's record. What clients hold is a copy: it changes in the store alone, by `ContainerStore.update`. */
export interface Container {
  /** Required, an identifier, unique in its namespace, immutable. */
  readonly id: string;
  /** Optional, mutable. */
  readonly labels: Labels;
  /** Optional name of the image it was made from; not checked. Mutable. */
  readonly image: string;
  /** Name required, immutable; options are opaque and immutable. */
  readonly runtime: { readonly name: string; readonly options?: Any | undefined };
  /** Required, opaque (an OCI runtime spec as JSON, as a rule), mutable. */
  readonly spec: Any;
  /** Required if `snapshotKey` is set, immutable. */
  readonly snapshotter: string;
  /** Optional, mutable; its mask path is `snapshotkey`. */
  readonly snapshotKey: string;
  /** Set by the store, nanoseconds since 1970. */
  readonly createdAtNs: bigint;
  /** Set by the store at each change, nanoseconds since 1970. */
  readonly updatedAtNs: bigint;
  /** Opaque additions by key; an update merges and never removes, as containerd's does. */
  readonly extensions: Readonly<Record<string, Any>>;
  /** Optional id of the sandbox it belongs to; not checked, immutable. */
  readonly sandbox: string;
}

/** What Create takes: the times are the store's, and `spec` is only required by validation. */
export type NewContainer = Partial<Omit<Container, "id" | "createdAtNs" | "updatedAtNs">> & { readonly id: string };

/** What Update takes: `spec` and `runtime` may be missing where the mask does not name them. */
export type ContainerUpdate = NewContainer;

/** The part of the store that other rooms need. */
export interface ContainerReader {
  /** @throws not_found. */
  get(ctx: RequestContext, id: string): Promise<Container>;
}

/** The containers of each namespace; every call is about the one in its context. @throws failed_precondition without one. */
export interface ContainerStore extends ContainerReader {
  /** Sorted by id, bytewise. Filter fields: id, image, runtime.name, labels.<key>. @throws invalid_argument for a bad filter. */
  list(ctx: RequestContext, filters?: readonly string[]): Promise<Container[]>;
  /** The same, one by one, without ever holding all of them. */
  stream(ctx: RequestContext, filters?: readonly string[]): AsyncIterable<Container>;
  /** Resolves with the record as stored, its times set. @throws already_exists, invalid_argument. */
  create(ctx: RequestContext, container: NewContainer): Promise<Container>;
  /**
   * Without paths: replaces labels, spec, extensions, image and snapshot key, and demands the immutable fields unchanged.
   * With: changes just the named ones (`labels`, `labels.<key>`, `spec`, `image`, `snapshotkey`, `extensions`, `extensions.<key>`).
   * @throws not_found, invalid_argument.
   */
  update(ctx: RequestContext, container: ContainerUpdate, paths?: readonly string[]): Promise<Container>;
  /** @throws not_found. A running task is not looked at. */
  delete(ctx: RequestContext, id: string): Promise<void>;
}
