// Whether this machine lets us stack folders with overlayfs here, and which options that takes.
// @source containerd plugins/snapshots/overlay/overlayutils/check.go
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { mount, unmount } from "../../sys/mount.js";

const ALL_IDS = /^\s*0\s+0\s+4294967295\s*$/;

/** Tries a mount like those we shall hand out; resolves with what went wrong, or undefined. */
async function tryOverlay(rootDir: string, options: readonly string[]): Promise<string | undefined> {
  await mkdir(rootDir, { recursive: true, mode: 0o700 });
  const dir = await mkdtemp(join(rootDir, "probe-"));
  try {
    for (const name of ["lower", "upper", "work", "merged"]) await mkdir(join(dir, name));
    const layers = [`lowerdir=${dir}/lower`, `upperdir=${dir}/upper`, `workdir=${dir}/work`];
    const target = join(dir, "merged");
    mount({ type: "overlay", source: "overlay", target, options: [...options, ...layers] });
    unmount(target, { detach: true });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function isInUserNamespace(): boolean {
  try {
    return !ALL_IDS.test(readFileSync("/proc/self/uid_map", "utf8"));
  } catch {
    return false; // a kernel without user namespaces
  }
}

export interface OverlaySupport {
  /** Why it does not work; undefined when it does. */
  readonly problem: string | undefined;
  /** What goes before the folders in every overlay mount. */
  readonly options: readonly string[];
}

/** Asks the kernel by mounting in `rootDir`, whose file system then is the one that counts. */
export async function probeOverlay(rootDir: string): Promise<OverlaySupport> {
  // Without it the kernel remembers which upper folder went with which lower ones, and refuses other pairs.
  const options = existsSync("/sys/module/overlay/parameters/index") ? ["index=off"] : [];
  const problem = await tryOverlay(rootDir, options);
  if (isInUserNamespace()) {
    const userOptions = [...options, "userxattr"];
    if ((await tryOverlay(rootDir, userOptions)) === undefined) return { problem: undefined, options: userOptions };
  }
  return { problem, options };
}
