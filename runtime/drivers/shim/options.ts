// Options for the runc shim are checked here, since version 1.6 of it panics over any other type and takes its container along.
// Other shims get their options unseen.
// @source containerd services/tasks/local.go (Create)

import { unknownError } from "../../../api/core/errors.js";
import { type Any, isTypeOf, RUNC_OPTIONS_TYPE } from "../../../api/core/typeurl.js";
import { Options } from "../../../api/gen/types/runc/options/oci.js";
import { isRuncShim } from "./binary.js";

/** Types that containerd itself has a decoder for; the words of its refusal depend on it. */
const KNOWN_TYPE = /^(?:.*\/)?(?:containerd|google\.protobuf|runtimeoptions|io\.containerd)\.|^types\.containerd\.io\//;

/** An absent message and an empty one mean the same. */
export function presentOptions(options: Any | undefined): Any | undefined {
  return options === undefined || (options.typeUrl === "" && options.value.length === 0) ? undefined : options;
}

/**
 * The options of the runc shim, decoded; undefined for none, and for every other shim.
 * @throws kind unknown for another type or bytes that are none of it.
 */
export function runcOptions(runtime: string, options: Any | undefined): Options | undefined {
  if (options === undefined || !isRuncShim(runtime)) return undefined;
  if (!isTypeOf(options, RUNC_OPTIONS_TYPE)) {
    throw unknownError(
      KNOWN_TYPE.test(options.typeUrl)
        ? `invalid task create option for ${runtime}`
        : `type with url ${options.typeUrl}: not found`,
    );
  }
  try {
    return Options.decode(options.value);
  } catch (error) {
    throw unknownError(`invalid task create option for ${runtime}: ${String(error)}`, error);
  }
}
