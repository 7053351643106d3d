// An image for LXD that needs no network: busybox, an init that waits and asks for an address, and what a system container expects.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "./program.js";
import { makeRootfs } from "./rootfs.js";

const FOLDERS = ["home", "mnt", "sbin", "usr/bin", "usr/sbin", "var/log"];

/** Ends at SIGPWR, by which LXC asks a container to stop, and at SIGTERM. */
const INIT = `#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
trap 'exit 0' PWR TERM INT
udhcpc -i eth0 -n -q -s /etc/udhcpc.sh >/dev/null 2>&1 &
while :; do sleep 3600 & wait $!; done
`;

const UDHCPC = `#!/bin/sh
case $1 in
  deconfig) ip link set "$interface" up ;;
  bound|renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/\${mask:-24}" dev "$interface"
    if [ -n "$router" ]; then ip route add default via "$router"; fi ;;
esac
`;

const OS_RELEASE = `PRETTY_NAME="Berth Test 1"
NAME="Berth Test"
VERSION="1 (one)"
VERSION_ID="1"
ID=berthtest
`;

export interface ImageFiles {
  /** Both in one: metadata.yaml, then rootfs/. */
  readonly unified: string;
  /** metadata.yaml alone. */
  readonly metadata: string;
  /** The root file system alone, from its own root. */
  readonly rootfs: string;
}

/** Makes the image's archives in `dir`, which is made. */
export async function makeLxdImage(dir: string): Promise<ImageFiles> {
  await mkdir(dir, { recursive: true });
  const root = await makeRootfs(join(dir, "rootfs"));
  for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, "sbin/init"), INIT, { mode: 0o755 });
  await writeFile(join(root, "etc/udhcpc.sh"), UDHCPC, { mode: 0o755 });
  await writeFile(join(root, "etc/os-release"), OS_RELEASE);
  const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
  const metadata = { architecture, creation_date: 1, properties: { description: "busybox", os: "berthtest" } };
  // JSON is YAML, too.
  await writeFile(join(dir, "metadata.yaml"), JSON.stringify(metadata));
  const files = {
    unified: join(dir, "unified.tar"),
    metadata: join(dir, "metadata.tar"),
    rootfs: join(dir, "rootfs.tar"),
  };
  await archive(files.unified, dir, ["metadata.yaml", "rootfs"]);
  await archive(files.metadata, dir, ["metadata.yaml"]);
  await archive(files.rootfs, root, ["."]);
  return files;
}

async function archive(path: string, folder: string, names: readonly string[]): Promise<void> {
  const owner = ["--owner=0", "--group=0", "--numeric-owner"];
  const { code, stderr } = await runProgram("tar", ["-C", folder, ...owner, "-cf", path, ...names]);
  if (code !== 0) throw new Error(`tar ended with ${code}: ${stderr}`);
}
