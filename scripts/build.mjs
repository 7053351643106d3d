// Builds dist: compiled JavaScript with its declarations, and the descriptor image. `--if-stale` builds only when a source
// is newer than the last build.
import { copyFileSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main, must, newestChange, packageBinary, ROOT, say } from "./steps.mjs";

const SOURCES = [
  "api",
  "metadata",
  "runtime",
  "services",
  "cmd",
  "tsconfig.json",
  "tsconfig.build.json",
  "package-lock.json",
];
/** Written last, so that a build that was cut off counts as stale. */
const STAMP = join(ROOT, "dist", ".built");

/** Whether dist is missing or older than a source. */
export function isStale() {
  const built = statSync(STAMP, { throwIfNoEntry: false });
  return built === undefined || newestChange(SOURCES, (path) => !path.endsWith(".test.ts")) > built.mtimeMs;
}

export async function build() {
  say("building dist");
  rmSync(join(ROOT, "dist"), { recursive: true, force: true });
  await must(packageBinary("tsc"), ["-p", "tsconfig.build.json"]);
  mkdirSync(join(ROOT, "dist", "api", "gen"), { recursive: true });
  copyFileSync(join(ROOT, "api", "gen", "api.binpb"), join(ROOT, "dist", "api", "gen", "api.binpb"));
  writeFileSync(STAMP, "");
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    if (process.argv.includes("--if-stale") && !isStale()) return say("dist is up to date");
    await build();
    say("built dist");
  });
}
