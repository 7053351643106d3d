// The containers that the suite of container stores writes and reads.
import type { Container, NewContainer } from "../../api/core/container.js";
import type { Any } from "../../api/core/typeurl.js";
import type { Dialect } from "./dialect.js";

export const SPEC: Any = {
  typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
  value: Buffer.from('{"a": 1}'),
};
export const OTHER_SPEC: Any = { typeUrl: "example/Spec", value: Buffer.from([0, 1, 2, 0xff]) };
export const OPTIONS: Any = { typeUrl: "containerd.runc.v1.Options", value: Buffer.from([0xde, 0xad]) };
export const EXTENSION: Any = { typeUrl: "example/Extension", value: Buffer.from([0, 0xff]) };

export const minimal = (id: string, more: Partial<NewContainer> = {}): NewContainer => ({
  id,
  runtime: { name: "io.containerd.runc.v2" },
  spec: SPEC,
  ...more,
});

/** The Any without what a codec may have put beside its two fields. */
const bare = (any: Any | undefined): Any | undefined =>
  any === undefined ? undefined : { typeUrl: any.typeUrl, value: Buffer.from(any.value) };

export function bareContainer(container: Container): object {
  return {
    ...container,
    runtime: { name: container.runtime.name, options: bare(container.runtime.options) },
    spec: bare(container.spec),
    extensions: Object.fromEntries(Object.entries(container.extensions).map(([key, any]) => [key, bare(any)])),
  };
}

/** With every field that the dialect has. */
export const fullContainer = (id: string, dialect: Dialect): NewContainer =>
  minimal(id, {
    labels: { "containerd.io/x": "1", "a.b": "c" },
    image: "docker.io/library/busybox:latest",
    runtime: { name: "io.containerd.runc.v2", options: OPTIONS },
    snapshotter: "overlayfs",
    snapshotKey: "key",
    extensions: { "example/e": EXTENSION },
    sandbox: dialect === "1.6" ? "" : "pod",
  });
