// The host's processes, as /proc tells.
import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { isIdentifier } from "../api/core/identifiers.js";

export interface HostProcess {
  readonly pid: number;
  readonly parentPid: number;
  /** With the pid it names one process for ever: clock ticks from boot to its start. */
  readonly startTicks: string;
  readonly args: readonly string[];
}

export async function listNames(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}

/** undefined for one that is gone. */
export async function readProcess(pid: number): Promise<HostProcess | undefined> {
  try {
    const [stat, commandLine] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
    ]);
    // The name, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { pid, parentPid: Number(fields[1]), startTicks: fields[19] ?? "", args: commandLine.split("\0") };
  } catch {
    return undefined;
  }
}

export async function listProcesses(): Promise<HostProcess[]> {
  const found: HostProcess[] = [];
  for (const name of await listNames("/proc")) {
    const known = /^\d+$/.test(name) ? await readProcess(Number(name)) : undefined;
    if (known !== undefined) found.push(known);
  }
  return found;
}

export interface ShimProcess extends HostProcess {
  readonly namespace: string;
  readonly id: string;
}

/** The shims that were started for the daemon at this address. */
export async function listShims(address: string): Promise<ShimProcess[]> {
  const flag = (args: readonly string[], name: string): string => {
    const at = args.indexOf(name, 1);
    return at === -1 ? "" : (args[at + 1] ?? "");
  };
  return (await listProcesses())
    .filter(({ args }) => basename(args[0] ?? "").startsWith("containerd-shim") && flag(args, "-address") === address)
    .map((shim) => ({ ...shim, namespace: flag(shim.args, "-namespace"), id: flag(shim.args, "-id") }))
    .filter(({ namespace, id }) => isIdentifier(namespace) && isIdentifier(id));
}

/** What the descriptors of a process lead to: paths, `socket:[inode]`, … */
export async function openTargets(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const links = (await listNames(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => ""));
  return await Promise.all(links);
}

/** Paths of the unix sockets on which a process listens or talks under a name of its own. */
export async function socketPaths(pid: number): Promise<string[]> {
  const table = await readFile("/proc/net/unix", "utf8").catch(() => "");
  const paths = new Map<string, string>();
  for (const line of table.split("\n")) {
    const [, , , , , , inode, path] = line.trim().split(/\s+/);
    if (inode !== undefined && path?.startsWith("/")) paths.set(`socket:[${inode}]`, path);
  }
  return (await openTargets(pid)).map((target) => paths.get(target) ?? "").filter((path) => path !== "");
}
