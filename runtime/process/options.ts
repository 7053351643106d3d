// The options of the process runtime: what is to be done with a spec that asks for isolation.
// @source containerd pkg/runtimeoptions (a configuration by value or by path, as `ctr --runtime-config-path` sends it)
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { invalidArgument } from "../../api/core/errors.js";
import { quote } from "../../api/core/quote.js";
import { type Any, isTypeOf, RUNC_OPTIONS_TYPE } from "../../api/core/typeurl.js";
import { Options as GenericOptions } from "../../api/gen/types/runtimeoptions/v1/api.js";
import { systemText } from "../sys/system-text.js";

/** The options as JSON. */
export const PROCESS_OPTIONS_TYPE = "io.berth.process.v1.Options";
const GENERIC_OPTIONS_TYPE = "runtimeoptions.v1.Options";

const optionsSchema = z.strictObject({
  /** `ignore`: what only an isolating runtime can do is left undone. `refuse`, the default: no such task is made. */
  isolation: z.enum(["refuse", "ignore"]).default("refuse"),
});

export type ProcessOptions = z.infer<typeof optionsSchema>;

const DEFAULTS: ProcessOptions = { isolation: "refuse" };

function parse(json: Uint8Array): ProcessOptions {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json).toString());
  } catch (error) {
    throw invalidArgument("runtime options are not JSON", error);
  }
  const parsed = optionsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidArgument(`runtime options: ${parsed.error.issues.map(({ message }) => message).join("; ")}`);
}

async function parseGeneric(value: Uint8Array): Promise<ProcessOptions> {
  let options: GenericOptions;
  try {
    options = GenericOptions.decode(value);
  } catch (error) {
    throw invalidArgument(`runtime options of type ${GENERIC_OPTIONS_TYPE} cannot be read`, error);
  }
  const { configBody, configPath } = options;
  if (configBody.length > 0) return parse(configBody);
  if (configPath === "") return DEFAULTS;
  let json: Buffer;
  try {
    json = await readFile(configPath);
  } catch (error) {
    throw invalidArgument(`runtime options: ${systemText("open", configPath, error)}`, error);
  }
  return parse(json);
}

/** None, and empty ones of runc's type, which clients send without being asked, are the defaults. @throws invalid_argument. */
export async function parseOptions(options: Any | undefined): Promise<ProcessOptions> {
  if (options === undefined || options.typeUrl === "") return DEFAULTS;
  if (isTypeOf(options, PROCESS_OPTIONS_TYPE)) return options.value.length === 0 ? DEFAULTS : parse(options.value);
  if (isTypeOf(options, GENERIC_OPTIONS_TYPE)) return await parseGeneric(options.value);
  if (isTypeOf(options, RUNC_OPTIONS_TYPE) && options.value.length === 0) return DEFAULTS;
  throw invalidArgument(`runtime options of type ${quote(options.typeUrl)} are not for this runtime`);
}
