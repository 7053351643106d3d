// Namespaces: the partitions of everything else. They come into being by being written to, and have labels.
// @source containerd core/metadata/namespaces.go, plugins/services/namespaces
import type { RequestContext } from "./context.js";
import type { Labels } from "./labels.js";

/** A namespace's record. */
export interface Namespace {
  /** Required, an identifier, immutable. */
  readonly name: string;
  /** Optional, mutable. */
  readonly labels: Labels;
}

/** All namespaces; what the context names does not matter here. */
export interface NamespaceStore {
  /** Never fails: an unknown name answers with no labels, as clients expect before the first write. */
  get(ctx: RequestContext, name: string): Promise<Namespace>;
  /** All namespaces by name. */
  list(ctx: RequestContext): Promise<Namespace[]>;
  /** @throws already_exists, also for one that a write brought into being; invalid_argument for name or labels. */
  create(ctx: RequestContext, namespace: Namespace): Promise<Namespace>;
  /** Without paths: replaces all labels. With: each path is `labels.<key>`. @throws invalid_argument for any other path. */
  update(ctx: RequestContext, namespace: Namespace, paths?: readonly string[]): Promise<void>;
  /** @throws failed_precondition while it holds containers, images, blobs or snapshots; not_found. */
  delete(ctx: RequestContext, name: string): Promise<void>;
}
