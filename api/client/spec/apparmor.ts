// AppArmor's default profile for containers: written and loaded when the kernel has none of that name.
// @source containerd contrib/apparmor/{apparmor,template}.go
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { errorOf, invalidArgument } from "../../core/errors.js";

const LOADED = "/sys/kernel/security/apparmor/profiles";
const MACROS = "/etc/apparmor.d";
/** From here on the parser understands signals and ptrace: 2.8.95, 2.8.96. */
const KNOWS_PTRACE = 208_095;
const KNOWS_SIGNALS = 208_096;

/**
 * Sees to it that the kernel has a profile of this name, the default one if need be.
 * @throws invalid_argument for a name that is none, failed_precondition where there is no AppArmor or its parser refuses.
 */
export async function loadDefaultProfile(name: string): Promise<void> {
  // It stands in the profile's text as it is.
  if (!/^[\w.-]+$/.test(name)) throw invalidArgument(`AppArmor profile "${name}"`);
  const loaded = await readFile(LOADED, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw errorOf("failed_precondition", `AppArmor is not there: open ${LOADED}: ${error.code}`, error);
  });
  if (loaded.split("\n").some((line) => line.startsWith(`${name} `))) return;
  const version = parserVersion(await parser(["--version"]));
  const folder = await mkdtemp(join(tmpdir(), "apparmor-"));
  try {
    const path = join(folder, name);
    await writeFile(path, defaultProfile(name, version, await ownProfile()));
    await parser(["-Kr", path]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function parser(args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("apparmor_parser", args);
    return stdout;
  } catch (error) {
    throw errorOf("failed_precondition", `apparmor_parser: ${error instanceof Error ? error.message : error}`, error);
  }
}

/** `AppArmor parser version 3.0.8` is 300008. */
export function parserVersion(output: string): number {
  const [, major = 0, minor = 0, patch = 0] = /version (\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(output)?.map(Number) ?? [];
  return major * 100_000 + minor * 1_000 + patch;
}

/** Who may send signals to containers beside those that nothing confines. */
async function ownProfile(): Promise<string> {
  const current = await readFile("/proc/self/attr/current", "utf8").catch(() => "");
  return current.split(/[\s\0]/)[0] || "unconfined";
}

/** Everything but mounting, and writing to what the kernel shows of itself. */
export function defaultProfile(name: string, version: number, daemonProfile: string): string {
  const macro = (path: string): boolean => existsSync(join(MACROS, path));
  const unwritable = ["[^f]*/**", "f[^s]*/**", "fs/[^c]*/**", "fs/c[^g]*/**", "fs/cg[^r]*/**"];
  const unseen = ["firmware/**", "kernel/security/**"];
  return `${macro("tunables/global") ? "#include <tunables/global>" : "@{PROC}=/proc/"}

profile ${name} flags=(attach_disconnected,mediate_deleted) {
${[
  ...(macro("abstractions/base") ? ["#include <abstractions/base>"] : []),
  ...["network,", "capability,", "file,", "umount,"],
  ...(version >= KNOWS_SIGNALS
    ? ["unconfined", daemonProfile]
        .map((peer) => `signal (receive) peer=${peer},`)
        .concat(`signal (send,receive) peer=${name},`)
    : []),
  // Of /proc only the folders of processes may be written to, and of /proc/sys only kernel/shm*.
  "deny @{PROC}/* w,",
  "deny @{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/** w,",
  "deny @{PROC}/sys/[^k]** w,",
  "deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w,",
  ...["sysrq-trigger", "mem", "kmem", "kcore"].map((file) => `deny @{PROC}/${file} rwklx,`),
  "deny mount,",
  ...unwritable.map((path) => `deny /sys/${path} wklx,`),
  ...unseen.map((path) => `deny /sys/${path} rwklx,`),
  ...(version >= KNOWS_PTRACE ? [`ptrace (trace,read) peer=${name},`] : []),
]
  .map((line) => `  ${line}\n`)
  .join("")}}
`;
}
