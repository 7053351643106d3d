// Whose files are: users and groups inside of what lies outside, shifted by a map of LXD's. Access lists and capabilities have
// numbers of their own.
// @source LXD shared/idmap (the map's form, what it shifts); Linux posix_acl_xattr.h, capability.h (the attributes' forms)
import * as z from "zod";

const rangesSchema = z.array(
  z.object({
    Isuid: z.boolean(),
    Isgid: z.boolean(),
    /** First number outside. */
    Hostid: z.number(),
    /** First number inside. */
    Nsid: z.number(),
    Maprange: z.number(),
  }),
);

type Range = z.infer<typeof rangesSchema>[number];

/** From outside to inside. What no range knows stays as it is. */
export interface IdMap {
  uid(outside: number): number;
  gid(outside: number): number;
}

/** `json` is an instance's `volatile.last_state.idmap`: none, or an empty one, for files that are not shifted. @throws for another form. */
export function parseIdMap(json: string | undefined): IdMap {
  const ranges = json === undefined || json === "" ? [] : rangesSchema.parse(JSON.parse(json));
  const uids = ranges.filter(({ Isuid }) => Isuid);
  const gids = ranges.filter(({ Isgid }) => Isgid);
  return { uid: (id) => inside(uids, id), gid: (id) => inside(gids, id) };
}

function inside(ranges: readonly Range[], id: number): number {
  for (const { Hostid, Nsid, Maprange } of ranges) {
    if (id >= Hostid && id < Hostid + Maprange) return id - Hostid + Nsid;
  }
  return id;
}

const ACLS: ReadonlySet<string> = new Set(["system.posix_acl_access", "system.posix_acl_default"]);
const ACL = { headerBytes: 4, entryBytes: 8, userTag: 2, groupTag: 8 };
const CAPABILITY = "security.capability";
const CAPS = { revisionMask: 0xff000000, withRoot: 0x03000000, withoutRoot: 0x02000000, plainBytes: 20, bytes: 24 };

/** An extended attribute as it is inside. */
export function mapXattr(name: string, value: Buffer, ids: IdMap): Buffer {
  if (ACLS.has(name)) return mapAcl(value, ids);
  return name === CAPABILITY ? mapCapability(value, ids) : value;
}

function mapAcl(value: Buffer, ids: IdMap): Buffer {
  const mapped = Buffer.from(value);
  for (let at = ACL.headerBytes; at + ACL.entryBytes <= mapped.length; at += ACL.entryBytes) {
    const tag = mapped.readUInt16LE(at);
    const id = mapped.readUInt32LE(at + 4);
    if (tag === ACL.userTag) mapped.writeUInt32LE(ids.uid(id), at + 4);
    else if (tag === ACL.groupTag) mapped.writeUInt32LE(ids.gid(id), at + 4);
  }
  return mapped;
}

/** Those of a root of somebody's tell whose; those of the machine's own are the older form, which every reader knows. */
function mapCapability(value: Buffer, ids: IdMap): Buffer {
  if (value.length !== CAPS.bytes) return value;
  const head = value.readUInt32LE(0);
  if ((head & CAPS.revisionMask) !== CAPS.withRoot) return value;
  const mapped = Buffer.from(value);
  const root = ids.uid(value.readUInt32LE(CAPS.plainBytes));
  mapped.writeUInt32LE(root, CAPS.plainBytes);
  if (root !== 0) return mapped;
  mapped.writeUInt32LE((head & ~CAPS.revisionMask) | CAPS.withoutRoot, 0);
  return mapped.subarray(0, CAPS.plainBytes);
}
