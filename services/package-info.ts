// What this installation is: its folder, version and commit. Found from where this file lies, in the sources or in dist/.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface PackageInfo {
  readonly rootDir: string;
  /** Of package.json. */
  readonly version: string;
  /** Git commit it was built from; "" when unknown. */
  readonly commit: string;
}

/** The file in which a build leaves its commit. */
const COMMIT_FILE = "dist/commit";

/** Reads package.json each time; a daemon does so once. */
export function readPackageInfo(): PackageInfo {
  const rootDir = packageRoot(dirname(fileURLToPath(import.meta.url)));
  const manifest: unknown = JSON.parse(readFileSync(join(rootDir, "package.json"), "utf8"));
  const version = typeof manifest === "object" && manifest !== null && "version" in manifest ? manifest.version : "";
  const commitFile = join(rootDir, COMMIT_FILE);
  const commit = existsSync(commitFile) ? readFileSync(commitFile, "utf8").trim() : "";
  return { rootDir, version: String(version), commit };
}

function packageRoot(dir: string): string {
  if (existsSync(join(dir, "package.json"))) return dir;
  const parent = dirname(dir);
  if (parent === dir) throw new Error("package.json not found above the program");
  return packageRoot(parent);
}
