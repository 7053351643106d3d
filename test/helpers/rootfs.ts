// A root filesystem to run containers from: busybox with a link for each of its applets.
import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "./program.js";

const FOLDERS = ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp"];

/** Makes it in `dir`, which must not exist yet, and hands `dir` back. Any number of containers may share it. */
export async function makeRootfs(dir: string): Promise<string> {
  for (const folder of FOLDERS) await mkdir(join(dir, folder), { recursive: true });
  await copyFile("/usr/bin/busybox", join(dir, "bin/busybox")).catch(() =>
    copyFile("/bin/busybox", join(dir, "bin/busybox")),
  );
  const applets = (await runProgram(join(dir, "bin/busybox"), ["--list"])).stdout.trim().split("\n");
  for (const applet of applets) if (applet !== "busybox") await symlink("busybox", join(dir, "bin", applet));
  await writeFile(join(dir, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  await writeFile(join(dir, "etc/group"), "root:x:0:\n");
  return dir;
}
