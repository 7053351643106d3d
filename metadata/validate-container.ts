// What a container must be to be stored, checked in containerd's order.
// @source containerd core/metadata/containers.go (validateContainer)
import { invalidArgument, wrapError } from "../api/core/errors.js";
import { validateIdentifier } from "../api/core/identifiers.js";
import { type Labels, validateLabels } from "../api/core/labels.js";
import type { Any } from "../api/core/typeurl.js";

export interface ContainerCandidate {
  readonly id: string;
  readonly labels: Labels;
  readonly runtime: { readonly name: string };
  readonly spec: Any | undefined;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly extensions: Readonly<Record<string, Any>>;
}

function within(prefix: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw wrapError(prefix, error);
  }
}

/** @throws invalid_argument for the first rule broken; the caller puts before it what it was doing. */
export function validateContainer(
  container: ContainerCandidate,
): asserts container is ContainerCandidate & { spec: Any } {
  within("container.ID", () => validateIdentifier(container.id));
  if (Object.hasOwn(container.extensions, "")) {
    throw invalidArgument("container.Extension keys must not be zero-length");
  }
  within("containers.Labels", () => validateLabels(container.labels));
  if (container.runtime.name === "") throw invalidArgument("container.Runtime.Name must be set");
  if (container.spec === undefined) throw invalidArgument("container.Spec must be set");
  if (container.snapshotKey !== "" && container.snapshotter === "") {
    throw invalidArgument("container.Snapshotter must be set if container.SnapshotKey is set");
  }
}
