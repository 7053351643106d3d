// Hints about the daemon's socket: why that one was tried, what else listens, and who may use it.
import { once } from "node:events";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import type { HintContext } from "./hint-context.js";

const REGISTRY_VERBS = /^(images (pull|push)|content (fetch|fetch-object|push-object))$/;

/** Whether the call asks a registry: run does when it is to pull. */
export function asksRegistry({ verb, commander }: HintContext): boolean {
  return REGISTRY_VERBS.test(verb) || (verb === "run" && ["missing", "always"].includes(commander.opts()["pull"]));
}

/** Where daemons of the whole machine listen. */
const USUAL = ["/run/berth/berth.sock", "/run/containerd/containerd.sock"];

/** Something does not answer: the daemon, unless its socket does; then it is what the daemon or we have asked. */
export async function hintOnUnreachable(context: HintContext): Promise<string> {
  const { address, flags } = context;
  if (await answers(context)) {
    return asksRegistry(context)
      ? "the daemon answers, so it is the registry: is its name right, and does it speak https, or is it --plain-http?"
      : "the daemon answers: berth doctor tells if what it needs does";
  }
  const source = sourceOf(flags.address);
  const other = USUAL.find((socket) => socket !== address && mayUse(socket));
  if (other !== undefined) return `that socket is ${source}; there is ${other}, too: berth -a ${other} …`;
  if (source !== DEFAULT) return `that socket is ${source}; berthd --address ${address} would serve it`;
  const start = process.getuid?.() === 0 ? "systemctl start berthd, or berthd in a terminal," : "berthd in a terminal";
  return `that socket is ${source}; ${start} starts the daemon, -a names another socket`;
}

/** The socket is there and not for this user. Nothing when it is. */
export function hintOnDenied({ address }: HintContext): string | undefined {
  if (mayUse(address)) return undefined;
  const group = groupOf(address);
  return group === undefined || group === "root"
    ? "its daemon belongs to another user: try sudo"
    : `its daemon belongs to another user: try sudo, or join the group ${group}`;
}

/** Somebody listens there. */
async function answers({ address, signal }: HintContext): Promise<boolean> {
  const socket = connect({ path: address.replace(/^unix:(\/\/)?/, "") });
  try {
    await once(socket, "connect", { signal });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const DEFAULT = "the default one";

function sourceOf(flag: string | undefined): string {
  if (flag !== undefined) return "the one that --address names";
  const variable = ["BERTH_ADDRESS", "CONTAINERD_ADDRESS"].find((name) => process.env[name]);
  return variable === undefined ? DEFAULT : `the one that $${variable} names`;
}

function mayUse(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The group of the socket, if members of it may use it. */
function groupOf(path: string): string | undefined {
  try {
    const { gid, mode } = statSync(path);
    if ((mode & 0o060) !== 0o060) return undefined;
    const line = readFileSync("/etc/group", "utf8")
      .split("\n")
      .find((one) => one.split(":")[2] === String(gid));
    return line?.split(":")[0];
  } catch {
    return undefined;
  }
}
