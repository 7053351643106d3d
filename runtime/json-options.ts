// Options of a runtime that are JSON: under a type of their own, or as containerd's generic configuration by value or by path.
// @source containerd pkg/runtimeoptions (a configuration by value or by path, as `ctr --runtime-config-path` sends it)
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import type * as z from "zod";
import { invalidArgument } from "../api/core/errors.js";
import { quote } from "../api/core/quote.js";
import { type Any, isTypeOf, RUNC_OPTIONS_TYPE } from "../api/core/typeurl.js";
import { Options as GenericOptions } from "../api/gen/types/runtimeoptions/v1/api.js";
import { systemText } from "./sys/system-text.js";

const GENERIC_OPTIONS_TYPE = "runtimeoptions.v1.Options";
const MAX_FILE_BYTES = 1_048_576;

/**
 * The options that an Any holds, checked. None, and empty ones of runc's type, which clients send without being asked, are `{}`.
 * @throws invalid_argument for another type, for what is not JSON, for what the schema does not take.
 */
export function parseJsonOptions<T>(options: Any | undefined, typeName: string, schema: z.ZodType<T>): T {
  const json = jsonOf(options, typeName);
  let value: unknown = {};
  try {
    if (json.length > 0) value = JSON.parse(Buffer.from(json).toString());
  } catch (error) {
    throw invalidArgument("runtime options are not JSON", error);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => [...path.map(String), message].join(": "));
  throw invalidArgument(`runtime options: ${faults.join("; ")}`);
}

/** Empty for none. */
function jsonOf(options: Any | undefined, typeName: string): Uint8Array {
  if (options === undefined || options.typeUrl === "") return Buffer.alloc(0);
  if (isTypeOf(options, typeName)) return options.value;
  if (isTypeOf(options, GENERIC_OPTIONS_TYPE)) return genericJson(options.value);
  if (isTypeOf(options, RUNC_OPTIONS_TYPE) && options.value.length === 0) return options.value;
  throw invalidArgument(`runtime options of type ${quote(options.typeUrl)} are not for this runtime`);
}

function genericJson(value: Uint8Array): Uint8Array {
  let options: GenericOptions;
  try {
    options = GenericOptions.decode(value);
  } catch (error) {
    throw invalidArgument(`runtime options of type ${GENERIC_OPTIONS_TYPE} cannot be read`, error);
  }
  const { configBody, configPath } = options;
  return configBody.length > 0 || configPath === "" ? configBody : readConfiguration(configPath);
}

/** Whoever named the path may have named a FIFO or a device: nobody waits for those. */
function readConfiguration(path: string): Uint8Array {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw invalidArgument(`runtime options: ${systemText("open", path, error)}`, error);
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) {
      throw invalidArgument(`runtime options: ${path} is no file of at most ${MAX_FILE_BYTES} bytes`);
    }
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
