// Processes of the host instead of containers: which runtime runs them, what its arguments are, and which flags make no sense for them.
import { basename, isAbsolute } from "node:path";
import { createProcessSpec, type ProcessSpecOptions } from "../../api/client/spec/process-spec.js";
import { isIdentifier } from "../../api/core/identifiers.js";
import type { ContainerFlags, Target } from "./container-request.js";
import { UsageError } from "./exit-status.js";
import { readEnvFile, withoutDashes } from "./flags.js";
import { ISOLATION_FLAGS } from "./isolation-flags.js";

export const PROCESS_RUNTIME = "io.berth.process.v1";
const PROCESS_SHIM = "containerd-shim-process-v1";
/** The weight that every process has. */
const COMMON_CPU_SHARES = 1024;

/** Flags that say something of a container's own surroundings, as they are written. */
const ISOLATING: readonly (readonly [keyof ContainerFlags, string])[] = [
  ["rootfs", "--rootfs"],
  ["mount", "--mount"],
  ["netHost", "--net-host"],
  ["privileged", "--privileged"],
  ["readOnly", "--read-only"],
  ["withNs", "--with-ns"],
  ["device", "--device"],
  ["capAdd", "--cap-add"],
  ["capDrop", "--cap-drop"],
  ["hostname", "--hostname"],
  ["rootfsPropagation", "--rootfs-propagation"],
  ["snapshotter", "--snapshotter"],
  ["snapshotterLabel", "--snapshotter-label"],
  ["platform", "--platform"],
  ["cni", "--cni"],
  ...ISOLATION_FLAGS,
];

export function isProcessRuntime(runtime: string): boolean {
  return runtime === PROCESS_RUNTIME || (isAbsolute(runtime) && basename(runtime) === PROCESS_SHIM);
}

/** The arguments: an id, and what is to run. @throws UsageError. */
export function processTarget(flags: ContainerFlags, words: readonly string[]): Target {
  const given = ISOLATING.filter(([name]) => flags[name] !== undefined && flags[name] !== false);
  if (given.length > 0) {
    const names = given.map(([, flag]) => flag).join(", ");
    throw new UsageError(`${names}: a process of the host (runtime ${flags.runtime}) has no surroundings of its own`);
  }
  const [id = "", ...rest] = words;
  const args = withoutDashes(rest);
  if (id === "") throw new UsageError("container id must be provided");
  if (!isIdentifier(id)) {
    throw new UsageError(
      `"${id}" is no container id; with runtime ${flags.runtime} the arguments are ID COMMAND..., without an image`,
    );
  }
  if (args.length === 0) throw new UsageError(`with runtime ${flags.runtime} a command must be provided`);
  return { kind: "process", source: "", id, args };
}

export async function processSpecOf(flags: ContainerFlags, own: ProcessSpecOptions): Promise<Buffer> {
  const { cpuShares, ...rest } = own;
  const spec = createProcessSpec({
    ...rest,
    ...(cpuShares === COMMON_CPU_SHARES ? {} : { cpuShares }),
    env: await envOf(flags),
    cwd: flags.cwd,
    user: flags.user,
    terminal: flags.tty,
  });
  return Buffer.from(JSON.stringify(spec));
}

/** Of the flags; those on the command line win. */
export async function envOf({ envFile, env = [] }: ContainerFlags): Promise<string[]> {
  return [...(envFile === undefined ? [] : await readEnvFile(envFile)), ...env];
}
