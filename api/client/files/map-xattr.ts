// Users and groups as they are on the other side of a user namespace, also those that extended attributes tell of: access lists
// and capabilities have numbers of their own.
// @source LXD shared/idmap (what is shifted); Linux posix_acl_xattr.h, capability.h (the attributes' forms)

/** From one side to the other. */
export interface IdMap {
  uid(id: number): number;
  gid(id: number): number;
}

const ACLS: ReadonlySet<string> = new Set(["system.posix_acl_access", "system.posix_acl_default"]);
const ACL = { headerBytes: 4, entryBytes: 8, userTag: 2, groupTag: 8 };
const CAPABILITY = "security.capability";
const CAPS = { revisionMask: 0xff000000, withRoot: 0x03000000, withoutRoot: 0x02000000, plainBytes: 20, bytes: 24 };

/** An extended attribute as it is on the other side. */
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
