// Marks a run and looks over the host after it: whatever carries the run's own marks then fails it. The marks are a temporary
// folder of the run's own, in which all its tests make theirs, and a prefix of its containerd namespaces. So neither other
// people's containers nor another run at the same time is blamed.
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Folders that tests make; other programs (tsx) keep caches in the temporary folder, which go with it. */
const TEST_FOLDER = /^(?:bt|berth)-/;
const CGROUPS = "/sys/fs/cgroup";
const RUNC_STATE = "/run/containerd/runc";
/** How long what is just ending may take: a shim lives on for a moment after its task was deleted. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 100;

interface Run {
  /** Its temporary folder. */
  readonly folder: string;
  /** What its namespaces begin with. */
  readonly prefix: string;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Shims, daemons, clients: whoever was told of the run's folder or namespace. */
function processes({ folder, prefix }: Run): string[] {
  const found: string[] = [];
  for (const pid of names("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const words = read(`/proc/${pid}/cmdline`).split("\0");
    const isOurs = words.some((word) => word.includes(`${folder}/`) || word.startsWith(prefix));
    if (isOurs) found.push(`process ${pid}: ${words.join(" ").trim().slice(0, 200)}`);
  }
  return found;
}

function mounts({ folder }: Run): string[] {
  const targets = read("/proc/self/mounts")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  return targets.filter((target) => target.startsWith(`${folder}/`)).map((target) => `mount ${target}`);
}

/** A namespace's folder below each controller, or the one of version 2, with the containers' below it. */
function cgroups({ prefix }: Run): string[] {
  const roots = [CGROUPS, ...names(CGROUPS).map((name) => join(CGROUPS, name))];
  const parents = roots.flatMap((root) => [root, join(root, "berth")]);
  return parents.flatMap((parent) => withPrefix(parent, prefix).map((path) => `cgroup ${path}`));
}

function runcState({ prefix }: Run): string[] {
  const namespaces = withPrefix(RUNC_STATE, prefix);
  return namespaces.flatMap((path) => names(path).map((id) => `runc state ${join(path, id)}`));
}

const withPrefix = (parent: string, prefix: string): string[] =>
  names(parent)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(parent, name));

/** Sockets somebody still holds open, by the kernel's table; a file that is left counts with its folder. */
function sockets({ folder }: Run): string[] {
  const paths = read("/proc/net/unix")
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[7] ?? "");
  return [...new Set(paths.filter((path) => path.startsWith(`${folder}/`)))].map((path) => `socket ${path}`);
}

function folders({ folder }: Run): string[] {
  const left = names(folder).filter((name) => TEST_FOLDER.test(name));
  return left.map((name) => `folder ${join(folder, name)}`);
}

const look = (run: Run): string[] =>
  [processes, mounts, cgroups, runcState, sockets, folders].flatMap((find) => find(run));

/** vitest calls it before all files, once for each project; what it returns runs after all of them. */
export default function setup(): (() => Promise<void>) | undefined {
  if (process.env["BERTH_TEST_RUN"] !== undefined) return undefined;
  const mark = randomBytes(3).toString("hex");
  // Short, since the paths of sockets below it end at 107 bytes.
  const run: Run = { folder: join(tmpdir(), `bt-${mark}`), prefix: `bt-${mark}` };
  mkdirSync(run.folder, { mode: 0o755 });
  process.env["BERTH_TEST_RUN"] = mark;
  process.env["TMPDIR"] = run.folder;
  if (process.getuid?.() !== 0) {
    // A user's sockets and pipes go there, too.
    process.env["XDG_RUNTIME_DIR"] = join(run.folder, "run");
    mkdirSync(process.env["XDG_RUNTIME_DIR"], { mode: 0o700 });
  }
  return async () => {
    const deadline = Date.now() + PATIENCE_MS;
    let left = look(run);
    while (left.length > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      left = look(run);
    }
    if (left.length > 0) {
      // vitest prints what a teardown throws, but does not let it decide the status.
      process.exitCode = 1;
      throw new Error(`the tests left behind:\n  ${left.join("\n  ")}`);
    }
    rmSync(run.folder, { recursive: true });
  };
}
