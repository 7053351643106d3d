// A user's home: made once, with what every new home begins with.
import { isNotFound } from "../../../api/core/errors.js";
import type { FileOwner } from "../../../runtime/lxd/files.js";
import type { Sftp } from "../../../runtime/lxd/sftp.js";
import type { PasswdEntry } from "./table.js";

const SKELETON = "/etc/skel";
const HOMES = "/home";
/** Of links in a skeleton that lead round there is no end. */
const MAX_DEPTH = 32;

/**
 * Makes a home where none is. One elsewhere than in /home is its owner's business. It appears when it is whole: who is killed half-way
 * does not leave a home without its contents.
 */
export async function ensureHome(sftp: Sftp, { home, uid, gid }: PasswdEntry): Promise<void> {
  if (!/^\/home\/[^/]+$/.test(home) || /^\/home\/\.{1,2}$/.test(home)) return;
  const present = await sftp.stat(home).catch(ignoreNotFound);
  if (present?.type === "directory") return;
  await ensureDirectory(sftp, HOMES);
  const fresh = `${HOMES}/.${home.slice(HOMES.length + 1)}.new`;
  await removeTree(sftp, fresh);
  await sftp.makeDirectory(fresh, { uid, gid, mode: 0o755 });
  await fill(sftp, SKELETON, fresh, { uid, gid }, 0);
  await sftp.remove(home).catch(ignoreNotFound);
  await sftp.rename(fresh, home);
}

/** An empty file that makes a user's services start with the container. @source loginctl(1) enable-linger */
export async function ensureLinger(sftp: Sftp, name: string): Promise<void> {
  const folder = "/var/lib/systemd/linger";
  for (const path of ["/var", "/var/lib", "/var/lib/systemd", folder]) await ensureDirectory(sftp, path);
  const path = `${folder}/${name}`;
  if ((await sftp.lstat(path).catch(ignoreNotFound))?.type === "file") return;
  await sftp.replaceFile(path, [], { uid: 0, gid: 0, mode: 0o644 });
}

async function ensureDirectory(sftp: Sftp, path: string): Promise<void> {
  if ((await sftp.stat(path).catch(ignoreNotFound)) !== undefined) return;
  await sftp.makeDirectory(path, { uid: 0, gid: 0, mode: 0o755 });
}

/** Files, folders and links; a skeleton has nothing else. */
async function fill(
  sftp: Sftp,
  from: string,
  to: string,
  owner: Pick<FileOwner, "uid" | "gid">,
  depth: number,
): Promise<void> {
  if (depth > MAX_DEPTH) return;
  for (const name of (await sftp.list(from).catch(ignoreNotFound)) ?? []) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    const { type, mode } = await sftp.lstat(source);
    if (type === "symlink") await sftp.makeSymlink(target, await sftp.readSymlink(source));
    if (type === "file") await sftp.replaceFile(target, sftp.read(source), { ...owner, mode });
    if (type !== "directory") continue;
    await sftp.makeDirectory(target, { ...owner, mode });
    await fill(sftp, source, target, owner, depth + 1);
  }
}

async function removeTree(sftp: Sftp, path: string): Promise<void> {
  const stat = await sftp.lstat(path).catch(ignoreNotFound);
  if (stat === undefined) return;
  if (stat.type !== "directory") return await sftp.remove(path);
  for (const name of await sftp.list(path)) await removeTree(sftp, `${path}/${name}`);
  await sftp.removeDirectory(path);
}

function ignoreNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
