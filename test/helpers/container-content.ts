// What a container holds in tests of exports and imports: everything that an archive may get wrong, and enough of it to be stopped
// half-way.
import { join } from "node:path";
import { setXattr } from "../../runtime/sys/xattr.js";
import { describeTree } from "./tree.js";
import type { TremplinWorld } from "./tremplin.js";

/** Where a container's root file system is on the host. */
export const rootfsOf = ({ lxdDir }: Pick<TremplinWorld, "lxdDir">, name: string): string =>
  join(lxdDir, "storage-pools/default/containers", name, "rootfs");

/** Run inside, so that owners are the inside's. */
const ODDITIES = `set -e
mkdir -p /data/folder && cd /data
echo owned > owned && chown 1000:2000 owned
echo other > other && chown 65534:1001 other
cp /bin/busybox set-id && chown 1000:1000 set-id && chmod 6755 set-id
ln set-id z-hard-link
ln -s /nowhere link && chown -h 1000:1000 link
mkfifo fifo
truncate -s 50M holes && echo end >> holes && truncate -s 60M holes
mkdir -p ${"long/".repeat(60)} && echo deep > ${"long/".repeat(60)}file
echo name > "né $(printf '\\n') me"
chmod 1777 folder && touch -d "2001-02-03 04:05:06" owned other folder
`;

/** Access lists as the kernel hands them out: version, then tag, permissions and number of each entry. */
const ACL = (user: number, group: number): Buffer => {
  const entries = [
    [1, 6, 0xffffffff],
    [2, 4, user],
    [4, 4, 0xffffffff],
    [8, 6, group],
    [16, 6, 0xffffffff],
    [32, 4, 0xffffffff],
  ] as const;
  const value = Buffer.alloc(4 + entries.length * 8);
  value.writeUInt32LE(2, 0);
  for (const [index, [tag, permissions, id]] of entries.entries()) {
    value.writeUInt16LE(tag, 4 + index * 8);
    value.writeUInt16LE(permissions, 6 + index * 8);
    value.writeUInt32LE(id, 8 + index * 8);
  }
  return value;
};

/** First number of the containers' users on the host. */
const FIRST_ID = 1_000_000;

/** Owners, modes, times, links, holes, long and odd names, attributes. The container must run. */
export async function addOddities(world: TremplinWorld, name: string): Promise<void> {
  await world.must(["exec", name, "--", "sh", "-c", ODDITIES]);
  const data = join(rootfsOf(world, name), "data");
  setXattr(join(data, "owned"), "user.note", Buffer.from("a\nb=c\0d"));
  setXattr(join(data, "owned"), "user.a=b%", Buffer.from("1"));
  setXattr(join(data, "other"), "system.posix_acl_access", ACL(FIRST_ID + 7, FIRST_ID + 8));
  setXattr(join(data, "folder"), "system.posix_acl_default", ACL(FIRST_ID + 9, FIRST_ID + 10));
  // cap_net_raw+ep of the container's root, as its kernel writes it.
  const capability = `0100000300200000000000000000000000000000${littleEndian(FIRST_ID)}`;
  setXattr(join(data, "other"), "security.capability", Buffer.from(capability, "hex"));
}

function littleEndian(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString("hex");
}

/** Files of the container's root: one that cannot be compressed, and many small ones. */
export async function addBulk(
  world: TremplinWorld,
  name: string,
  { megabytes, files }: { readonly megabytes: number; readonly files: number },
): Promise<void> {
  const bulk = `set -e; mkdir -p /bulk/small; head -c ${megabytes}m /dev/urandom > /bulk/random; cd /bulk/small`;
  const small = `i=0; while [ $i -lt ${files} ]; do echo "file $i" > f$i; i=$((i+1)); done`;
  await world.must(["exec", name, "--", "sh", "-c", `${bulk}; ${small}`]);
}

/** Everything that a container holds, to be compared with another that has been started as well. */
export const describeContainer = (world: TremplinWorld, name: string, recentMs: number): string[] =>
  describeTree(rootfsOf(world, name), { recentMs });

/** All that LXD has, with the aliases of images; one without is told by "". */
export async function lxdHoldings({ must }: Pick<TremplinWorld, "must">): Promise<{
  readonly instances: string[];
  readonly images: string[];
}> {
  const lines = async (...args: string[]): Promise<string[]> =>
    (await must([...args, "-f", "csv"])).split("\n").filter((line) => line !== "");
  const instances = await lines("list", "-c", "n");
  const images = await lines("image", "list", "-c", "fl");
  return { instances, images: images.map((line) => line.slice(line.indexOf(",") + 1)).sort() };
}
