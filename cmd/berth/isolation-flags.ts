// The flags about how much of the kernel a container sees: system calls, AppArmor, user namespaces, cache classes, GPUs.
// @source containerd cmd/ctr/commands/commands_unix.go, cmd/ctr/commands/run/run_unix.go
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { Command } from "commander";
import type { SpecOptions } from "../../api/client/spec/create-spec.js";
import type { Hook, IdMapping } from "../../api/client/spec/oci.js";
import { errorOf } from "../../api/core/errors.js";
import { UsageError } from "./exit-status.js";
import { collect } from "./flags.js";

export interface IsolationFlags {
  seccomp?: boolean;
  seccompProfile?: string;
  apparmorDefaultProfile?: string;
  apparmorProfile?: string;
  rdtClass?: string;
  gpus?: string[];
  uidmap?: string;
  gidmap?: string;
  remapLabels?: boolean;
}

/** As they are written, for runtimes that cannot keep them. */
export const ISOLATION_FLAGS: readonly (readonly [keyof IsolationFlags, string])[] = [
  ["seccomp", "--seccomp"],
  ["seccompProfile", "--seccomp-profile"],
  ["apparmorDefaultProfile", "--apparmor-default-profile"],
  ["apparmorProfile", "--apparmor-profile"],
  ["rdtClass", "--rdt-class"],
  ["gpus", "--gpus"],
  ["uidmap", "--uidmap"],
  ["gidmap", "--gidmap"],
  ["remapLabels", "--remap-labels"],
];

const UINT32_MAX = 0xffff_ffff;
const NVIDIA_CLI = "nvidia-container-cli";
const NVIDIA_CAPABILITIES = ["compute", "compat32", "graphics", "utility", "video", "display"];

export function addIsolationOptions(command: Command): void {
  command
    .option("--seccomp", "allow only the system calls of the default list")
    .option("--seccomp-profile <file>", "with --seccomp: a list of one's own, as JSON")
    .option(
      "--apparmor-default-profile <name>",
      "AppArmor's default profile, loaded under this name if it is not there",
    )
    .option("--apparmor-profile <name>", "a profile of AppArmor that is there")
    .option("--rdt-class <name>", "class of service for cache and memory bandwidth (Intel RDT)")
    .option("--gpus <number>", "a GPU of NVIDIA's (repeatable)", collect)
    .option("--uidmap <inside:outside:length>", "a user namespace with these users; with --gidmap")
    .option("--gidmap <inside:outside:length>", "likewise groups")
    .option("--remap-labels", "let the snapshotter move the owners of files, if it can, instead of doing it here");
}

/** Combinations that make no sense. @throws UsageError. */
export function checkIsolation(flags: IsolationFlags): void {
  const { seccomp, seccompProfile, apparmorDefaultProfile, apparmorProfile, uidmap, gidmap, gpus = [] } = flags;
  if (seccompProfile !== undefined && seccomp !== true) throw new UsageError("--seccomp-profile needs --seccomp");
  if (apparmorProfile !== undefined && apparmorDefaultProfile !== undefined) {
    throw new UsageError("--apparmor-profile and --apparmor-default-profile exclude each other");
  }
  if ((uidmap === undefined) !== (gidmap === undefined)) throw new UsageError("--uidmap and --gidmap go together");
  const bad = gpus.flatMap((list) => list.split(",")).find((gpu) => !/^\d+$/.test(gpu));
  if (bad !== undefined) throw new UsageError(`GPU "${bad}" is not a number`);
  idMapsOf(flags);
}

/** Where the ids of the namespace begin and end; undefined without one. @throws UsageError. */
export function idMapsOf({
  uidmap,
  gidmap,
}: IsolationFlags): { readonly uid: IdMapping; readonly gid: IdMapping } | undefined {
  if (uidmap === undefined || gidmap === undefined) return undefined;
  return { uid: parseMapping(uidmap), gid: parseMapping(gidmap) };
}

function parseMapping(text: string): IdMapping {
  const numbers = /^(\d+):(\d+):(\d+)$/.exec(text)?.slice(1).map(Number) ?? [];
  const [containerID, hostID, size] = numbers;
  if (containerID === undefined || hostID === undefined || size === undefined || numbers.some((n) => n > UINT32_MAX)) {
    throw new UsageError(`"${text}" is not inside:outside:length, for example 0:100000:65536`);
  }
  return { containerID, hostID, size };
}

/** What the flags mean for the spec. @throws failed_precondition for what this host lacks. */
export async function isolationOf(flags: IsolationFlags): Promise<Partial<SpecOptions>> {
  const { apparmorDefaultProfile, apparmorProfile = apparmorDefaultProfile, rdtClass, gpus } = flags;
  if (apparmorDefaultProfile !== undefined) {
    const { loadDefaultProfile } = await import("../../api/client/spec/apparmor.js");
    await loadDefaultProfile(apparmorDefaultProfile);
  }
  return {
    ...(flags.seccomp === true && { seccomp: await seccompOf(flags) }),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    ...(rdtClass !== undefined && { rdtClass }),
    ...(gpus !== undefined && { prestartHooks: [gpuHook(gpus)] }),
    idMaps: idMapsOf(flags),
  };
}

async function seccompOf({ seccompProfile }: IsolationFlags): Promise<SpecOptions["seccomp"]> {
  const { defaultSeccomp, readSeccomp } = await import("../../api/client/spec/seccomp.js");
  return seccompProfile === undefined ? defaultSeccomp : readSeccomp(seccompProfile);
}

/** NVIDIA's program puts devices and drivers into a container before it starts; containerd's fills in which container. */
function gpuHook(gpus: readonly string[]): Hook {
  const path = lookUp("containerd");
  const configure = ["--load-kmods", "configure", `--device=${gpus.join(",")}`];
  const capabilities = NVIDIA_CAPABILITIES.map((name) => `--${name}`);
  return {
    path,
    args: [
      "containerd",
      "oci-hook",
      "--",
      lookUp(NVIDIA_CLI),
      ...configure,
      ...capabilities,
      "--pid={{pid}}",
      "{{rootfs}}",
    ],
    env: Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
  };
}

/** @throws failed_precondition. */
function lookUp(program: string): string {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next one may have it.
    }
  }
  throw errorOf("failed_precondition", `program ${program}, which --gpus needs, is not in PATH`);
}
