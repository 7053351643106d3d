// google.protobuf.Any as containerd uses it: protobuf messages under their bare full name, OCI documents as JSON.
// @source containerd/typeurl
import { Any } from "../gen/google/protobuf/any.js";

/** A value of any type: `typeUrl` says which, `value` is its encoded form, protobuf or, for OCI documents, JSON. */
export type { Any } from "../gen/google/protobuf/any.js";

/** Type url of an OCI runtime spec as JSON, as `Container.spec` holds it. */
export const SPEC_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
/** Type url of an OCI process as JSON, as `Tasks.exec` takes it. */
export const PROCESS_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Process";
/** Type url of OCI Linux resources as JSON, as `Tasks.update` takes them. */
export const LINUX_RESOURCES_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
/** Type url of the runc shim's options, a protobuf message, as `Container.runtime.options` and `Tasks.create` take them. */
export const RUNC_OPTIONS_TYPE = "containerd.runc.v1.Options";
/** Type url of the runc shim's options for `Tasks.checkpoint`, a protobuf message. */
export const RUNC_CHECKPOINT_OPTIONS_TYPE = "containerd.runc.v1.CheckpointOptions";

/** Whether the Any holds the protobuf message of this full name; `anything/` before the name is accepted. */
export function isTypeOf(any: Any, fullName: string): boolean {
  return any.typeUrl === fullName || any.typeUrl.endsWith(`/${fullName}`);
}

/** An Any whose value is the UTF-8 JSON of `value`. */
export function anyOfJson(typeUrl: string, value: unknown): Any {
  return { typeUrl, value: Buffer.from(JSON.stringify(value)) };
}

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
}

/** An Any whose value is an encoded protobuf message; the type url carries no prefix, as old clients demand. */
export function anyOfMessage<T>(fullName: string, codec: Codec<T>, message: T): Any {
  return { typeUrl: fullName, value: Buffer.from(codec.encode(message).finish()) };
}

/** The Any in its encoded form. @throws an Error for bytes that are no Any. */
export function decodeAny(bytes: Uint8Array): Any {
  return Any.decode(bytes);
}
