// The process that an exec asks for. It came as JSON under whatever type the client's library gave it.
import * as z from "zod";
import { invalidArgument } from "../../api/core/errors.js";
import { type Any, anyOfJson, PROCESS_TYPE } from "../../api/core/typeurl.js";

const processSchema = z.looseObject({ args: z.array(z.string()).min(1) });

/** `terminal` of the request replaces that of the process. @throws invalid_argument unless it is an OCI Process with arguments. */
export function toProcessSpec(spec: Any | undefined, terminal: boolean): Any {
  if (spec === undefined || spec.value.length === 0) throw invalidArgument("exec spec must be set");
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(spec.value).toString());
  } catch (error) {
    throw invalidArgument("exec spec is not JSON", error);
  }
  const parsed = processSchema.safeParse(json);
  if (!parsed.success) throw invalidArgument("exec spec is not an OCI process with arguments", parsed.error);
  return anyOfJson(PROCESS_TYPE, { ...parsed.data, terminal });
}
