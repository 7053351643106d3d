// What this service's containers need of an LXD that runs: a pool, a bridge, and a profile with what all of them have.
import { mkdir } from "node:fs/promises";
import {
  configureServer,
  ensureNetwork,
  ensureProfile,
  ensureStoragePool,
  getLxdInfo,
  getNetwork,
} from "../../runtime/lxd/setup.js";
import { hostDevices } from "./host-devices.js";
import { keptIds } from "./kept-ids.js";
import type { Tremplin } from "./tremplin.js";

/** The pool in which containers and images are. */
export const POOL = "default";
const BRIDGE = "lxdbr0";
/** Users of the containers that are the same outside: the user, and those that own what is shared with others. */
const KEPT_IDS = [1000, 655_360, 665_357, 1001] as const;
/** Where containers see the shared folder. */
const SHARED_PATH = "/mnt/chromeos";
/** Seconds that a container's init is given when LXD ends. */
const SHUTDOWN_SECONDS = "9";

/** `both` would say the same in one line, but then LXD 5.0 cannot read or write files of a stopped container. */
const keptLines = (id: number): string => `uid ${id} ${id}\ngid ${id} ${id}`;

/** A bridge that containers get their addresses of. */
export async function setUpNetwork({ lxd, lxdSubnet, log }: Tremplin): Promise<void> {
  const found = await getNetwork(lxd, BRIDGE);
  // A bridge of the host that LXD knows nothing of: it is LXD's from now on.
  const there = found?.managed === true ? found : undefined;
  if (there?.config["ipv4.address"] === lxdSubnet) return;
  const config = { "ipv4.address": lxdSubnet, "ipv6.address": "none" };
  if (there !== undefined) {
    await ensureNetwork(lxd, { name: BRIDGE, config });
    return;
  }
  try {
    await ensureNetwork(lxd, { name: BRIDGE, config: { ...config, "ipv4.nat": "true" } });
  } catch (err) {
    // Without nft or iptables there is no way out of the host, but one within it.
    log.warn({ err }, "no bridge with a firewall, so containers reach this host only");
    const plain = { ...config, "ipv4.nat": "false", "ipv4.firewall": "false" };
    await ensureNetwork(lxd, { name: BRIDGE, config: plain });
  }
}

/** Settings of LXD, the pool, and the profile, which is looked at each time: what the host has may have changed. */
export async function setUpLxd(tremplin: Tremplin): Promise<void> {
  const { lxd, sharedDir, log } = tremplin;
  await configureServer(lxd, { "core.shutdown_timeout": "0" });
  await ensureStoragePool(lxd, { name: POOL, driver: "dir" });
  await setUpNetwork(tremplin);
  await mkdir(sharedDir, { recursive: true });
  const kept = await keptIds((await getLxdInfo(lxd)).environment.server_pid, KEPT_IDS);
  if (kept.length < KEPT_IDS.length) {
    log.warn(
      { wanted: KEPT_IDS, kept },
      "/etc/subuid and /etc/subgid do not let containers keep all users that they share with this host",
    );
  }
  await ensureProfile(lxd, {
    name: "default",
    config: {
      "security.nesting": "true",
      "boot.autostart": "false",
      "boot.host_shutdown_timeout": SHUTDOWN_SECONDS,
      ...(kept.length > 0 && { "raw.idmap": kept.map(keptLines).join("\n") }),
    },
    devices: {
      root: { type: "disk", path: "/", pool: POOL },
      eth0: { type: "nic", network: BRIDGE, name: "eth0" },
      shared: { type: "disk", source: sharedDir, path: SHARED_PATH },
      ...(await hostDevices("/dev")),
    },
  });
}
