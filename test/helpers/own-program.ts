// How the tests run this project's own programs: from `dist` when it is newer than every source (as after `npm test` has built
// it) or when BERTH_PROGRAMS=dist asks for it, otherwise straight from the sources.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Where each has its sources below cmd/. */
const ROOMS = {
  berthd: "berthd",
  berth: "berth",
  "containerd-shim-process-v1": "shim-process",
  "berth-docker-bridge": "docker-bridge",
  "berth-lxd-bridge": "lxd-bridge",
  "berth-log-writer": "log-writer",
  "cros-tool-runner": "cros-tool-runner",
  tremplin: "tremplin",
} as const;
const SOURCES = ["api", "metadata", "runtime", "services", "cmd"];

function newestChange(folder: string): number {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestChange(path));
    else if (!entry.name.endsWith(".test.ts")) newest = Math.max(newest, statSync(path).mtimeMs);
  }
  return newest;
}

/** Whether `dist` is newer than every source. */
export function distIsFresh(): boolean {
  const built = statSync(join(ROOT, "dist", ".built"), { throwIfNoEntry: false });
  return built !== undefined && SOURCES.every((folder) => newestChange(join(ROOT, folder)) <= built.mtimeMs);
}

let fromDist: boolean | undefined;

/** The command line that starts one of our programs, for example `berthd`; its arguments follow. */
export function ownProgram(name: keyof typeof ROOMS): readonly [string, ...string[]] {
  fromDist ??= process.env["BERTH_PROGRAMS"] === "dist" || distIsFresh();
  if (fromDist) return [process.execPath, join(ROOT, "bin", name)];
  return [
    process.execPath,
    "--import",
    fileURLToPath(import.meta.resolve("tsx")),
    join(ROOT, "cmd", ROOMS[name], "main.ts"),
  ];
}
