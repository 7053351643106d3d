// An image of Debian for LXD, with systemd: made by debootstrap, of packages that apt's cache keeps. It takes half a minute of computing,
// so what busybox can show is shown there, and the image is kept beside the installed packages for the next time. Systemd boots in LXD's box
// as it is, also under cgroups of version 1; timedatectl answers about a second and a half after the start.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, copyFile, mkdir, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runProgram } from "./program.js";

const RELEASE = "bookworm";
/** `timedatectl` comes with systemd and is served over the bus. */
const PACKAGES = "systemd-sysv,dbus";
/** What no test looks at, and much of the whole. Devices are the container's own. */
const LEFT_OUT = [
  "dev/*",
  "usr/share/doc/*",
  "usr/share/locale/*",
  "usr/share/man/*",
  "var/cache/*",
  "var/lib/apt/lists/*",
];
const MODULES = join(import.meta.dirname, "../../node_modules");
const CACHE = join(MODULES, ".cache/berth-tests");
const ARCHIVE = "http://deb.debian.org/debian";
const TIMEOUT_MS = 240_000;

/** Whether there is, or can be, an image: it has been made, or Debian's archive is reached by what debootstrap fetches with. */
export function hasDebianImage(): boolean {
  if (existsSync(keptImage())) return true;
  const url = `${ARCHIVE}/dists/${RELEASE}/Release`;
  return spawnSync("wget", ["--quiet", "--spider", "--timeout=10", "--tries=2", url]).status === 0;
}

function keptImage(): string {
  const recipe = createHash("sha256").update(JSON.stringify([process.arch, RELEASE, PACKAGES, LEFT_OUT]));
  return join(CACHE, `debian-${recipe.digest("hex").slice(0, 12)}.tar`);
}

/**
 * The image's archive, made in `dir` if nobody has made it yet. Needs root, and Debian's archive for the first time.
 * @returns where it is; it is to be left as it is.
 */
export async function makeDebianImage(dir: string): Promise<string> {
  const kept = keptImage();
  if (existsSync(kept)) return kept;
  const archive = await bootstrap(dir);
  // Who installed the packages must be able to remove them again.
  const { uid, gid } = await stat(MODULES);
  for (const folder of [dirname(CACHE), CACHE]) {
    if ((await mkdir(folder, { recursive: true })) !== undefined) await chown(folder, uid, gid);
  }
  // Two may make it at once.
  const fresh = `${kept}.${process.pid}`;
  await copyFile(archive, fresh);
  await chown(fresh, uid, gid);
  await rename(fresh, kept);
  return kept;
}

async function bootstrap(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const root = join(dir, "rootfs");
  // What it mounts is gone with it, whatever becomes of it.
  await must("unshare", [
    ...["--mount", "--propagation", "private"],
    ...["debootstrap", "--variant=minbase", `--include=${PACKAGES}`, "--cache-dir=/var/cache/apt/archives"],
    ...[RELEASE, root, ARCHIVE],
  ]);
  const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
  const metadata = { architecture, creation_date: 1, properties: { description: "debian", os: "debian" } };
  // JSON is YAML, too.
  await writeFile(join(dir, "metadata.yaml"), JSON.stringify(metadata));
  const archive = join(dir, "unified.tar");
  const excluded = LEFT_OUT.map((path) => `--exclude=rootfs/${path}`);
  await must("tar", ["-C", dir, "--numeric-owner", ...excluded, "-cf", archive, "metadata.yaml", "rootfs"]);
  return archive;
}

async function must(file: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runProgram(file, args, { timeoutMs: TIMEOUT_MS });
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${code}: ${stdout.slice(-2_000)}${stderr}`);
}
