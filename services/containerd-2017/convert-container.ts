// Containers between the wire of 2017 and the record.
import type { Container, NewContainer } from "../../api/core/container.js";
import type { Any } from "../../api/core/typeurl.js";
import { Container as ContainerMessage } from "../../api/gen/v2017/api/services/containers/containers.js";
import { toMap, toRecord } from "../maps.js";
import { refuse } from "./failures.js";
import { fromRuntime, RUNTIME_NAME_PATH, toRuntime } from "./runtime-name.js";

/** Stands in records for a spec that nobody sent. */
const NO_SPEC: Any = { typeUrl: "", value: Buffer.alloc(0) };

/** A missing message is an empty one: the store then misses the id. */
export function fromContainer(message: ContainerMessage | undefined, snapshotter: string): NewContainer {
  const { id, labels, image, runtime, spec, rootfs } = message ?? ContainerMessage.fromPartial({});
  return {
    id,
    labels: toRecord(labels),
    image,
    ...toRuntime(runtime),
    spec: spec ?? NO_SPEC,
    snapshotter,
    snapshotKey: rootfs,
  };
}

export const toContainer = (record: Container): ContainerMessage =>
  ContainerMessage.fromPartial({
    id: record.id,
    labels: toMap(record.labels),
    image: record.image,
    runtime: fromRuntime(record),
    spec: toSpec(record),
    rootfs: record.snapshotKey,
  });

/** With the type that it came with; absent when none was sent. */
export const toSpec = ({ spec }: Pick<Container, "spec">): Any | undefined =>
  spec.typeUrl === "" && spec.value.length === 0 ? undefined : spec;

const FIELDS: ReadonlyMap<string, string> = new Map([
  ["labels", "labels"],
  ["image", "image"],
  ["runtime", RUNTIME_NAME_PATH],
  ["spec", "spec"],
  ["rootfs", "snapshotkey"],
]);

/** Paths of a mask as the store takes them; without any, those of all fields. @throws invalid_argument. */
export function toPaths(mask: readonly string[] | undefined): [string, ...string[]] {
  const wanted = mask === undefined || mask.length === 0 ? [...FIELDS.keys()] : mask;
  const [first = "", ...others] = wanted.map(
    (path) => FIELDS.get(path) ?? (path.startsWith("labels.") ? path : refuse("invalid_argument", cannotUpdate(path))),
  );
  return [first, ...others];
}

export const cannotUpdate = (path: string): string => `cannot update ${JSON.stringify(path)} field`;
