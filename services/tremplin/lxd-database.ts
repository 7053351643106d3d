// LXD's database as folders: moved aside for a new one, and put back when that was no good. A mark beside them says that this is under
// way, for a server that is started after one that was killed.
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../../runtime/sys/errno.js";
import { endDnsmasq, findDnsmasq } from "./left-over-dnsmasq.js";

/** Below LXD's folder: what it knows, and what its networks gave away. */
const NETWORKS = "networks";
const FOLDERS = ["database", NETWORKS] as const;
const POOLS = "storage-pools";
const ASIDE = ".old";
const MARK = "tremplin-reset";

/** Where LXD keeps what its networks' programs are told. */
export const networksDir = (lxdDir: string): string => join(lxdDir, NETWORKS);

/** Whether an LXD that was killed has left something running. */
export async function isSomethingLeft(lxdDir: string): Promise<boolean> {
  return (await findDnsmasq(networksDir(lxdDir))).length > 0;
}

/** Whether an earlier move was neither finished nor undone. */
export async function isMoveUnfinished(lxdDir: string): Promise<boolean> {
  return await exists(join(lxdDir, MARK));
}

/** What an earlier move has put aside goes for good. LXD must not run. */
export async function moveAside(lxdDir: string): Promise<void> {
  await endDnsmasq(networksDir(lxdDir));
  for (const folder of FOLDERS) await rm(join(lxdDir, folder + ASIDE), { recursive: true, force: true });
  await removePoolsAside(lxdDir);
  await writeFile(join(lxdDir, MARK), "");
  for (const folder of FOLDERS) await renameIfThere(join(lxdDir, folder), join(lxdDir, folder + ASIDE));
}

/** Of a pool in which nothing was found, once the database has been moved. */
export async function movePoolAside(lxdDir: string, pool: string): Promise<void> {
  const path = join(lxdDir, POOLS, pool);
  await rm(path + ASIDE, { recursive: true, force: true });
  await renameIfThere(path, path + ASIDE);
}

/** The new database is good; the old one stays beside it. */
export async function finishMove(lxdDir: string): Promise<void> {
  // There was nothing in them, and one that is put back takes the place of another.
  await removePoolsAside(lxdDir);
  await rm(join(lxdDir, MARK), { force: true });
}

/** The new database goes, the old one comes back. LXD must not run. */
export async function putBack(lxdDir: string): Promise<void> {
  await endDnsmasq(networksDir(lxdDir));
  for (const folder of FOLDERS) await putFolderBack(join(lxdDir, folder));
  for (const path of await poolsAside(lxdDir)) await putFolderBack(path.slice(0, -ASIDE.length));
  await finishMove(lxdDir);
}

/** Whether the pool of folders has just this one container, and it says itself that it has that name. */
export async function hasOnlyContainer(poolDir: string, name: string): Promise<boolean> {
  const containers = await readdir(join(poolDir, "containers")).catch(() => []);
  if (containers.length !== 1 || containers[0] !== name) return false;
  const record = await readFile(join(poolDir, "containers", name, "backup.yaml"), "utf8").catch(() => "");
  return new RegExp(`^  name: ${name}$`, "m").test(record);
}

async function poolsAside(lxdDir: string): Promise<string[]> {
  const names = await readdir(join(lxdDir, POOLS)).catch(() => []);
  return names.filter((name) => name.endsWith(ASIDE)).map((name) => join(lxdDir, POOLS, name));
}

async function removePoolsAside(lxdDir: string): Promise<void> {
  for (const path of await poolsAside(lxdDir)) await rm(path, { recursive: true, force: true });
}

async function putFolderBack(path: string): Promise<void> {
  if (!(await exists(path + ASIDE))) return;
  await rm(path, { recursive: true, force: true });
  await rename(path + ASIDE, path);
}

async function renameIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if (!hasCode(error, "ENOENT")) throw error;
  });
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: unknown) => {
      if (hasCode(error, "ENOENT")) return false;
      throw error;
    },
  );
}
