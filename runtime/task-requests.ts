// What a request must look like before any runtime sees it: a runc shim of version 1.6 dies over some of these, and takes its
// container along.
// @source containerd services/tasks/local.go
import { ContainerdError, invalidArgument, notImplemented, unknownError, wrapError } from "../api/core/errors.js";
import { validateIdentifier } from "../api/core/identifiers.js";
import { quote } from "../api/core/quote.js";
import type { TaskDescriptor } from "../api/core/task.js";
import {
  type Any,
  isTypeOf,
  LINUX_RESOURCES_TYPE,
  PROCESS_TYPE,
  RUNC_CHECKPOINT_OPTIONS_TYPE,
} from "../api/core/typeurl.js";
import { CheckpointOptions } from "../api/gen/types/runc/options/oci.js";

const CRIU_CHECKPOINT_TYPE = "application/vnd.containerd.container.criu.checkpoint.criu.tar";

/** @throws invalid_argument for an exec id that is missing. */
export function requireExecId(execId: string): void {
  if (execId === "") throw new ContainerdError("invalid_argument", "exec id cannot be empty");
}

/** @throws invalid_argument: `invalid exec id <x>: identifier "<x>" must match …`. */
export function validateExecId(execId: string): void {
  try {
    validateIdentifier(execId);
  } catch (error) {
    throw wrapError(`invalid exec id ${execId}`, error);
  }
}

function isAbsent(any: Any | undefined): boolean {
  return any === undefined || (any.typeUrl === "" && any.value.length === 0);
}

/** A JSON document of this type; one without any type is taken at its word. */
function requireJson(what: string, any: Any | undefined, type: string): Any {
  if (any === undefined || isAbsent(any)) throw invalidArgument(`${what} is required`);
  if (any.typeUrl !== "" && !isTypeOf(any, type)) {
    throw invalidArgument(`${what} must be of type ${quote(type)}, not ${quote(any.typeUrl)}`);
  }
  return any;
}

/** @throws invalid_argument unless it is an OCI Process. */
export function requireProcess(spec: Any | undefined): Any {
  return requireJson("exec spec", spec, PROCESS_TYPE);
}

/** @throws invalid_argument unless it is OCI LinuxResources. */
export function requireResources(resources: Any | undefined): Any {
  return requireJson("resources", resources, LINUX_RESOURCES_TYPE);
}

/**
 * Where a checkpoint is to be written.
 * @throws kind unknown for options of another type, not_implemented without a path: that needs a content store.
 */
export function checkpointPath(runtime: string, options: Any | undefined): string {
  if (options !== undefined && !isAbsent(options)) {
    if (!isTypeOf(options, RUNC_CHECKPOINT_OPTIONS_TYPE)) {
      throw unknownError(`invalid task checkpoint option for ${runtime}`);
    }
    try {
      const { imagePath } = CheckpointOptions.decode(options.value);
      if (imagePath !== "") return imagePath;
    } catch (error) {
      throw unknownError(`invalid task checkpoint option for ${runtime}: ${String(error)}`, error);
    }
  }
  throw notImplemented("checkpoint without an image path");
}

/** @throws for a restore from the content store: kind unknown for a foreign type of checkpoint, else not_implemented. */
export function refuseCheckpoint(checkpoint: TaskDescriptor): never {
  if (checkpoint.mediaType !== CRIU_CHECKPOINT_TYPE) {
    throw unknownError(`unsupported checkpoint type ${quote(checkpoint.mediaType)}`);
  }
  throw notImplemented("restore from a checkpoint in the content store");
}
