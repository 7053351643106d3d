// Names of runtimes. The only one of 2017 is `linux`, which ran runc through a shim, as `io.containerd.runc.v2` does now: that is
// what the record holds, so that clients of today can work with it. An extension keeps the name as it came.
import type { Container, NewContainer } from "../../api/core/container.js";
import type { Any } from "../../api/core/typeurl.js";

/** Key of the extension, and the type of what is in it. */
const EXTENSION = "io.berth.containerd-2017.runtime";
/** The path of a mask for the extension. */
export const RUNTIME_NAME_PATH = `extensions.${EXTENSION}`;

const TODAY: ReadonlyMap<string, string> = new Map([["linux", "io.containerd.runc.v2"]]);

/** The name that drivers know. */
export const runtimeOfToday = (name: string): string => TODAY.get(name) ?? name;

/** What of a record says which runtime it is. */
export const toRuntime = (name: string): Required<Pick<NewContainer, "runtime" | "extensions">> => ({
  runtime: { name: runtimeOfToday(name) },
  extensions: { [EXTENSION]: { typeUrl: EXTENSION, value: Buffer.from(name) } satisfies Any },
});

/** The name as it came, unless somebody has given the record another runtime since. */
export function fromRuntime({ runtime, extensions }: Pick<Container, "runtime" | "extensions">): string {
  const kept = Object.hasOwn(extensions, EXTENSION) ? extensions[EXTENSION] : undefined;
  const name = kept === undefined ? "" : Buffer.from(kept.value).toString();
  return name !== "" && runtimeOfToday(name) === runtime.name ? name : runtime.name;
}
