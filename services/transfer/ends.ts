// The ends of transfers as messages name them.
// @source containerd core/transfer/{image,registry,archive}
import { invalidArgument } from "../../api/core/errors.js";
import { type Any, isTypeOf } from "../../api/core/typeurl.js";
import { ImageStore } from "../../api/gen/types/transfer/imagestore.js";
import { ImageExportStream, ImageImportStream } from "../../api/gen/types/transfer/importexport.js";
import { OCIRegistry } from "../../api/gen/types/transfer/registry.js";

export type TransferEnd =
  | { readonly kind: "registry"; readonly message: OCIRegistry }
  | { readonly kind: "images"; readonly message: ImageStore }
  | { readonly kind: "import"; readonly message: ImageImportStream }
  | { readonly kind: "export"; readonly message: ImageExportStream };

/** undefined for a type that no transfer knows. @throws invalid_argument for damaged bytes. */
export function decodeEnd(any: Any | undefined): TransferEnd | undefined {
  if (any === undefined) throw invalidArgument("source and destination must be set");
  const is = (name: string): boolean => isTypeOf(any, `containerd.types.transfer.${name}`);
  try {
    if (is("OCIRegistry")) return { kind: "registry", message: OCIRegistry.decode(any.value) };
    if (is("ImageStore")) return { kind: "images", message: ImageStore.decode(any.value) };
    if (is("ImageImportStream")) return { kind: "import", message: ImageImportStream.decode(any.value) };
    if (is("ImageExportStream")) return { kind: "export", message: ImageExportStream.decode(any.value) };
  } catch (error) {
    throw invalidArgument(`the ${any.typeUrl} is malformed`, error);
  }
  return undefined;
}
