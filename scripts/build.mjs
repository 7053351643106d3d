// Builds dist: compiled JavaScript with its declarations, the programs as one file each, and the descriptor image. `--if-stale`
// builds only when a source is newer than the last build.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundlePrograms, rehearsePrograms } from "./bundle.mjs";
import { main, must, newestChange, packageBinary, ROOT, say } from "./steps.mjs";

const SOURCES = [
  "api",
  "metadata",
  "runtime",
  "services",
  "cmd",
  "bin/launch.cjs",
  "scripts/bundle.mjs",
  "scripts/parts.mjs",
  "scripts/no-grpc.cjs",
  "tsconfig.json",
  "tsconfig.build.json",
  "package-lock.json",
];
/** Its time is that of the beginning of the build, so that what was edited meanwhile counts as newer. */
const STAMP = ".built";

/** Whether dist is missing or older than a source. */
export function isStale() {
  const built = statSync(join(ROOT, "dist", STAMP), { throwIfNoEntry: false });
  return built === undefined || newestChange(SOURCES, (path) => !path.endsWith(".test.ts")) > built.mtimeMs;
}

/** The commit that is built, as version.v1 tells it, with `.m` when files differ from it; "" outside a checkout. */
function commit() {
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync("git", ["-C", ROOT, ...args], { encoding: "utf8", stdio: "pipe" }).trim();
  try {
    return git("rev-parse", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") === "" ? "" : ".m");
  } catch {
    return "";
  }
}

/** Compiles beside dist and then takes its place, so that a build that fails leaves the last good one. */
export async function build() {
  say("building dist");
  const dist = join(ROOT, "dist");
  const fresh = join(ROOT, "dist.new");
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh);
  writeFileSync(join(fresh, STAMP), "");
  await must(packageBinary("tsc"), ["-p", "tsconfig.build.json", "--outDir", fresh]);
  for (const image of ["api.binpb", join("v2017", "api.binpb")])
    copyFileSync(join(ROOT, "api", "gen", image), join(fresh, "api", "gen", image));
  writeFileSync(join(fresh, "commit"), commit());
  await bundlePrograms(fresh);
  rmSync(dist, { recursive: true, force: true });
  renameSync(fresh, dist);
  await rehearsePrograms(dist);
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    if (process.argv.includes("--if-stale") && !isStale()) return say("dist is up to date");
    await build();
    say("built dist");
  });
}
