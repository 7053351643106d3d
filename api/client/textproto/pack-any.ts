// A message put into a google.protobuf.Any that is known by its descriptor only.
import { toBinary } from "@bufbuild/protobuf";
import type { ReflectMessage } from "@bufbuild/protobuf/reflect";

/** `url` is kept as it was written. */
export function packAny(any: ReflectMessage, url: string, packed: ReflectMessage): void {
  const [typeUrl, value] = any.sortedFields;
  if (typeUrl === undefined || value === undefined) return;
  any.set(typeUrl, url);
  any.set(value, toBinary(packed.desc, packed.message));
}
