// The version of the package that this program belongs to, run from source or compiled.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface BuildInfo {
  readonly version: string;
}

/** Read from the nearest package.json above this file. */
export function buildInfo(): BuildInfo {
  for (let dir = dirname(fileURLToPath(import.meta.url)); dir !== dirname(dir); dir = dirname(dir)) {
    const version = readVersion(join(dir, "package.json"));
    if (version !== undefined) return { version };
  }
  return { version: "unknown" };
}

function readVersion(path: string): string | undefined {
  try {
    const json: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof json !== "object" || json === null || !("version" in json)) return undefined;
    return typeof json.version === "string" ? json.version : undefined;
  } catch {
    return undefined;
  }
}
