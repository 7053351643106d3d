// Looks for what containers leave on a host when somebody forgets to clean up, and removes it for tests that failed half-way:
// shims, container processes, mounts, cgroups, runc's state, FIFOs and sockets. It only ever touches what carries the test's
// own socket path or namespace.
import { createHash } from "node:crypto";
import { readdir, readFile, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { socketPlace, surroundings } from "../../cmd/shim-process/socket-place.js";
import { readStat, sendSignal, sessionPids } from "../../runtime/process/session.js";
import type { Engine } from "./engine.js";
import { runProgram } from "./program.js";
import { until } from "./until.js";

const CGROUPS = "/sys/fs/cgroup";
/** The group of root's process tasks. */
const PROCESS_CGROUPS = "berth";
const PROCESS_SHIM = "containerd-shim-process-v1";
const RUNC_STATE = "/run/containerd/runc";
const SHIM_SOCKETS = "/run/containerd/s";
const TASKS = "io.containerd.runtime.v2.task";
/** Of tasks that an engine runs: Docker's, LXD's. */
const ENGINE_TASKS = ["io.berth.docker.v1", "io.berth.lxd.v1"];
const SIGKILL = 9;
/** Where `ctr` and our client make their FIFOs as root. */
const FIFO_ROOTS = ["/run/containerd/fifo", "/run/berth/fifo"];

async function entries(path: string): Promise<string[]> {
  return await readdir(path).catch(() => []);
}

/** The words of a process's command line; none of one that is gone. */
async function wordsOf(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
}

/** Pids whose command line holds `word` as one of its words. */
export async function pidsWithArgument(word: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await entries("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    if ((await wordsOf(Number(name))).includes(word)) found.push(Number(name));
  }
  return found;
}

/** The pids of the shims that serve a namespace. */
async function shimPids(namespace: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await pidsWithArgument(namespace)) {
    if ((await wordsOf(pid))[0]?.includes("containerd-shim") === true) found.push(pid);
  }
  return found;
}

/** The shim of a task that has an init process; it may have been started under another name than the task's. */
export async function taskShimPid(stateDir: string, namespace: string, id: string): Promise<number> {
  const init = (await readFile(join(stateDir, TASKS, namespace, id, "init.pid"), "utf8")).trim();
  const stat = await readFile(`/proc/${init}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** The ids of the shims that a berthd has started ahead for a namespace and not given a task; they end with it. */
export async function warmShimIds(stateDir: string, namespace: string): Promise<string[]> {
  return await entries(join(stateDir, "io.berth.warm-shims", namespace));
}

/** The cgroup folders of a namespace, of containers and of processes: one for each v1 controller, or the one of v2. */
async function namespaceCgroups(namespace: string): Promise<string[]> {
  const roots = [CGROUPS, ...(await entries(CGROUPS)).map((name) => join(CGROUPS, name))];
  const parents = roots.flatMap((root) => [root, join(root, PROCESS_CGROUPS)]);
  const found: string[] = [];
  for (const parent of parents) if ((await entries(parent)).includes(namespace)) found.push(join(parent, namespace));
  return found;
}

/** Kills what our process shim left running when it was killed itself. */
async function killProcessTasks(namespace: string): Promise<void> {
  for (const parent of await namespaceCgroups(namespace)) {
    if (basename(dirname(parent)) !== PROCESS_CGROUPS) continue;
    for (const child of await cgroupChildren(parent)) {
      const groupPids = async (): Promise<number[]> =>
        (await readFile(join(child, "cgroup.procs"), "utf8")).split("\n").filter(Boolean).map(Number);
      await until(`processes of ${child} to end`, async () => {
        const pids = await groupPids();
        for (const pid of pids) process.kill(pid, "SIGKILL");
        return pids.length === 0;
      });
    }
  }
}

async function cgroupChildren(path: string): Promise<string[]> {
  const children = (await readdir(path, { withFileTypes: true }).catch(() => [])).filter((entry) =>
    entry.isDirectory(),
  );
  return children.map((entry) => join(path, entry.name));
}

async function mountsUnder(folder: string): Promise<string[]> {
  const lines = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  return lines.map((line) => line.split(" ")[1] ?? "").filter((target) => target.startsWith(`${folder}/`));
}

async function findFifos(matches: (name: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  for (const root of FIFO_ROOTS) {
    for (const folder of await entries(root)) {
      for (const name of await entries(join(root, folder))) if (matches(name)) found.push(join(root, folder, name));
    }
  }
  return found;
}

/** The socket that the runc shim of a task makes, as containerd's shims compute it. */
export function shimSocketPath(engine: Pick<Engine, "address">, namespace: string, id: string): string {
  const hash = createHash("sha256")
    .update(join(engine.address, namespace, id))
    .digest("hex");
  return join(SHIM_SOCKETS, hash);
}

/**
 * Everything that is left of a namespace's containers, one line each; empty is clean. Warm shims are of no container. FIFOs of `ctr` and
 * our client are recognised by the container ids, which must therefore be unlike anybody else's; without `fifos` they are not looked for.
 */
export async function findLeftovers(
  engine: Engine,
  namespace: string,
  ids: readonly string[],
  { fifos = true }: { readonly fifos?: boolean } = {},
): Promise<string[]> {
  const found: string[] = [];
  const warm = new Set(await warmShimIds(engine.stateDir, namespace));
  for (const pid of await shimPids(namespace)) {
    const words = await wordsOf(pid);
    if (!words.some((word) => warm.has(word))) found.push(`shim process ${pid}`);
  }
  for (const mount of await mountsUnder(engine.stateDir)) found.push(`mount ${mount}`);
  for (const parent of await namespaceCgroups(namespace)) {
    for (const child of await cgroupChildren(parent)) found.push(`cgroup ${child}`);
  }
  for (const name of await entries(join(RUNC_STATE, namespace))) found.push(`runc state ${name}`);
  for (const plugin of [TASKS, ...ENGINE_TASKS]) {
    for (const name of await entries(join(engine.stateDir, plugin, namespace))) found.push(`bundle ${plugin}: ${name}`);
  }
  const sockets = new Set(await entries(SHIM_SOCKETS));
  for (const id of ids) {
    const socket = shimSocketPath(engine, namespace, id);
    if (sockets.has(socket.slice(SHIM_SOCKETS.length + 1))) found.push(`socket ${socket} of ${id}`);
  }
  const isTheirs = (name: string): boolean => ids.some((id) => name.startsWith(`${id}-`));
  if (fifos) for (const fifo of await findFifos(isTheirs)) found.push(`fifo ${fifo}`);
  return found;
}

/** The socket of a running shim, by what it was started with; none for what is no shim. */
async function socketOfShim(pid: number): Promise<string[]> {
  const words = await wordsOf(pid);
  const after = (flag: string): string | undefined =>
    words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined;
  const [address, namespace, id] = [after("-address"), after("-namespace"), after("-id")];
  if (address === undefined || namespace === undefined || id === undefined) return [];
  if (words[0] === PROCESS_SHIM) return [socketPlace(address, namespace, surroundings())];
  return [shimSocketPath({ address }, namespace, id)];
}

/** The sockets of the shims that run for a daemon, with tasks or without. */
export async function shimSockets(address: string): Promise<string[]> {
  return (await Promise.all((await pidsWithArgument(address)).map(socketOfShim))).flat();
}

/**
 * Everything that is left of a daemon that was stopped when it had no task, one line each: processes that know its socket or its
 * namespace, files other than those of its own, and `sockets` that its shims once had.
 */
export async function findRemains(
  daemon: Engine & { readonly rootDir: string },
  namespace: string,
  sockets: ReadonlySet<string>,
): Promise<string[]> {
  const found: string[] = [];
  for (const name of await entries("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const words = await wordsOf(Number(name));
    const isOurs = words.some((word) => word.includes(daemon.address) || word.includes(namespace));
    if (isOurs) found.push(`process ${name}: ${words.join(" ")}`);
  }
  for (const [folder, own] of [
    [daemon.stateDir, ["owner.lock"]],
    [daemon.rootDir, ["owner.lock", "metadata.db", "reserve"]],
  ] as const) {
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      const isOwn = file.isDirectory()
        ? !path.includes(`/${namespace}/`)
        : own.some((name) => path === join(folder, name));
      if (!isOwn) found.push(`file ${path}`);
    }
  }
  for (const name of await entries(SHIM_SOCKETS)) {
    if (sockets.has(join(SHIM_SOCKETS, name))) found.push(`socket ${name}`);
  }
  return found;
}

/** The tasks of a process shim: its children, each of which leads a session. */
async function tasksOfShim(pid: number): Promise<Set<number>> {
  if ((await wordsOf(pid))[0] !== PROCESS_SHIM) return new Set();
  const pids = (await entries("/proc")).filter((name) => /^\d+$/.test(name));
  return new Set(pids.filter((name) => readStat(name)?.parent === pid).map(Number));
}

/** Kills shims and daemons; a shim that is killed leaves its socket, and one of host processes those. */
async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    const sockets = await socketOfShim(pid);
    const tasks = await tasksOfShim(pid);
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself meanwhile.
    }
    for (const socket of sockets) await rm(socket, { force: true });
    await until(`the tasks of shim ${pid} to end`, async () => {
      const left = await sessionPids(tasks);
      for (const one of left) sendSignal(one, SIGKILL);
      return left.length === 0;
    });
  }
}

/** Ends the shims that belong to a daemon's socket, and its bridges and its log process, and unmounts what its bundles still hold. For the end of a test. */
export async function removeEngineLeftovers(address: string, stateDir: string): Promise<void> {
  await killAll(await pidsWithArgument(address));
  for (const tasks of ENGINE_TASKS) await killAll(await pidsWithArgument(join(stateDir, tasks, "bridge.sock")));
  await killAll(await pidsWithArgument(join(stateDir, "logs", "log-writer.sock")));
  for (const mount of await mountsUnder(stateDir)) await runProgram("umount", ["-l", mount]);
}

/**
 * Ends the containers of a namespace that runc still knows, and removes its folders on the host; also FIFOs of containers whose
 * ids begin with the namespace.
 */
export async function removeNamespaceLeftovers(namespace: string): Promise<void> {
  await killAll(await shimPids(namespace));
  await killProcessTasks(namespace);
  const state = join(RUNC_STATE, namespace);
  for (const id of await entries(state)) await runProgram("runc", ["--root", state, "delete", "--force", id]);
  // A user may not even look there.
  if (process.getuid?.() === 0) await rm(state, { recursive: true, force: true });
  for (const fifo of await findFifos((name) => name.startsWith(`${namespace}-`))) {
    await rm(fifo, { force: true });
    await rmdir(dirname(fifo)).catch(() => undefined);
  }
  for (const parent of await namespaceCgroups(namespace)) {
    for (const child of await cgroupChildren(parent)) await rmdir(child).catch(() => undefined);
    await rmdir(parent).catch(() => undefined);
  }
}
