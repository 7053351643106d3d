// The options of an engine's runtime in a file, which flags add to.
import { readFile } from "node:fs/promises";
import { UsageError } from "./exit-status.js";

/** An object as JSON. @throws UsageError. */
export async function readEngineOptions(path: string): Promise<object> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`runtime configuration "${path}" cannot be read: ${error.code ?? error.message}`);
  });
  let options: unknown;
  try {
    options = JSON.parse(text);
  } catch {
    // Told below.
  }
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new UsageError(`runtime configuration "${path}" is no JSON object`);
  }
  return options;
}
