// Looks over the host before the tests and again after them: whatever carries the tests' own marks (namespaces `bt-…`, folders
// `bt-…` and `berth-…` in the temporary folder) and was not there before fails the run. Other people's containers have other names.
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAMESPACE = /^bt-[0-9a-z]/;
const FOLDER = /^(?:bt|berth)-[0-9A-Za-z]/;
/** A word of a command line, a mount point or a socket path that is a test's. */
const MARK = new RegExp(`(?:^|/|=)bt-[0-9a-z]|${tmpdir()}/(?:bt|berth)-`);
/** Made by scripts/test.mjs around the run that this is part of, and by npm's own builds. */
const OWN_FOLDER = /^berth-report-/;
/** How long what is just ending may take: a shim lives on for a moment after its task was deleted. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 100;

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

/** Processes that a test started and that outlive it: shims, daemons, containers' own programs below a shim. */
function processes(): string[] {
  const found: string[] = [];
  for (const pid of names("/proc").filter((name) => /^\d+$/.test(name))) {
    const words = read(`/proc/${pid}/cmdline`).split("\0");
    // A person's shell or a search tool may well name such a folder; a daemon or a shim is what counts.
    if (!/containerd|berthd|runc/.test(words.slice(0, 5).join(" "))) continue;
    if (words.some((word) => MARK.test(word))) found.push(`process ${pid}: ${words.join(" ").trim().slice(0, 200)}`);
  }
  return found;
}

function mounts(): string[] {
  const targets = read("/proc/self/mounts")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  return targets.filter((target) => MARK.test(target)).map((target) => `mount ${target}`);
}

/** Cgroups of containers: `<controller>/<namespace>/<id>`. The empty folder of a namespace is the test's to remove as well. */
function cgroups(): string[] {
  const root = "/sys/fs/cgroup";
  const parents = [root, ...names(root).map((name) => join(root, name))];
  return parents.flatMap((parent) =>
    names(parent)
      .filter((name) => NAMESPACE.test(name))
      .map((name) => `cgroup ${join(parent, name)}`),
  );
}

/** runc's state of a container, by namespace. */
function runcState(): string[] {
  return names("/run/containerd/runc")
    .filter((name) => NAMESPACE.test(name))
    .flatMap((name) => names(`/run/containerd/runc/${name}`).map((id) => `runc state ${name}/${id}`));
}

/** Sockets that a listening process holds below a test's folder, read off the kernel's table. */
function sockets(): string[] {
  const paths = read("/proc/net/unix")
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[7] ?? "");
  return [...new Set(paths.filter((path) => MARK.test(path)))].map((path) => `socket ${path}`);
}

function folders(): string[] {
  return names(tmpdir())
    .filter((name) => FOLDER.test(name) && !OWN_FOLDER.test(name))
    .map((name) => `folder ${join(tmpdir(), name)}`);
}

const look = (): string[] => [processes, mounts, cgroups, runcState, sockets, folders].flatMap((find) => find());

/** vitest calls it once, before all files; what it returns runs after all of them. */
export default function setup(): () => Promise<void> {
  const before = new Set(look());
  return async () => {
    const deadline = Date.now() + PATIENCE_MS;
    let left = look().filter((line) => !before.has(line));
    while (left.length > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      left = look().filter((line) => !before.has(line));
    }
    if (left.length > 0) throw new Error(`the tests left behind:\n  ${left.join("\n  ")}`);
  };
}
