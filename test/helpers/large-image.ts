// A large image with something of everything: thousands of plain files, and in each layer links, devices, xattrs, sparse files, odd
// names, owners and times, and changes of all kinds to the layer below. The same bytes each time.
import { seeded } from "./random.js";
import type { RawEntry } from "./tar.js";

const CAPABILITY = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
export const FILES_PER_FOLDER = 50;
const MODES = [0o644, 0o755, 0o4755, 0o2711, 0o6555, 0o1600, 0o400];
/** Up to what a header of three octal blocks holds, and above it. */
const OWNERS = ["0", "1000", "65534", "65536", "2097152", "4294967294"];
/** Before 1970, its first second, nanoseconds, after 2038 and after the last nanosecond that 64 bits count. */
const TIMES = ["-86400.5", "0", "1.000000001", "1500000000.123456789", "1600000000", "4000000000.5", "10413792000"];

/** The folder number `folder` of the plain files of a layer; the layers share what is above. */
export const folderOf = (layer: number, folder: number): string => `usr/share/p${layer % 4}/d${layer}-${folder}`;

/** @param files The plain files of each layer, beside what else is in it: at least 400. */
export function largeImageLayers(files: readonly number[]): RawEntry[][] {
  return files.map((count, layer) => [
    // Without it the root would be another one in each snapshotter: it is made with the layer.
    { name: "./", type: "5", mode: 0o751, uid: layer, mtime: 1_400_000_000 + layer },
    ...plainFiles(layer, count),
    ...oddities(layer),
    ...(layer === 0 ? [] : changesBelow(layer)),
  ]);
}

function plainFiles(layer: number, count: number): RawEntry[] {
  const random = seeded(layer + 1);
  const noise = Buffer.from(Uint8Array.from({ length: 8192 }, () => random.between(0, 256)));
  const entries: RawEntry[] = [];
  for (let file = 0; file < count; file += 1) {
    const folder = folderOf(layer, Math.floor(file / FILES_PER_FOLDER));
    if (file % FILES_PER_FOLDER === 0) {
      const mode = random.pick([0o755, 0o1777, 0o2750, 0o700]);
      entries.push({ name: `${folder}/`, type: "5", mode, pax: { mtime: random.pick(TIMES) } });
    }
    const start = random.between(0, 4096);
    entries.push({
      name: `${folder}/f${file}`,
      body: noise.subarray(start, start + random.between(0, 2048)),
      mode: random.pick(MODES),
      mtime: random.between(0, 1_700_000_000),
      ...(file % 5 === 0 && {
        pax: { uid: random.pick(OWNERS), gid: random.pick(OWNERS), mtime: random.pick(TIMES) },
      }),
    });
  }
  return entries;
}

/** What a tree seldom has, once in each layer. */
function oddities(layer: number): RawEntry[] {
  const at = (name: string): string => `odd/l${layer}/${name}`;
  return [
    { name: at(""), type: "5", mode: 0o3777, pax: { mtime: "1300000000.987654321" } },
    { name: at("setuid"), body: "s", mode: 0o4755, uid: 65_534, gid: 65_534 },
    { name: at("link"), type: "2", linkName: "setuid", uid: 7, pax: { mtime: "1200000000.000000007" } },
    { name: at("dangling"), type: "2", pax: { linkpath: `/${"nowhere/".repeat(30)}`, mtime: "-1.5" } },
    { name: at("hard-1"), body: `hard ${layer}` },
    { name: at("sub/hard-2"), type: "1", linkName: at("hard-1") },
    { name: at("hard-3"), type: "1", linkName: at("sub/hard-2"), mode: 0o640, uid: 3, mtime: 1_111_111_111 },
    { name: at("hard-link"), type: "1", linkName: at("link"), uid: 8 },
    { name: at("null"), type: "3", major: 1, minor: 3, mode: 0o666 },
    { name: at("many-minors"), type: "4", major: 259, minor: 70_000, mode: 0o660, gid: 6 },
    { name: at("fifo"), type: "6", mode: 0o620, pax: { mtime: "1000000000.25" } },
    {
      name: at("xattrs"),
      body: "x",
      pax: { "SCHILY.xattr.user.note": `l${layer}\n=\0\xff`, "SCHILY.xattr.trusted.hidden": "told to nobody" },
    },
    { name: at("capable"), body: "c", mode: 0o755, uid: 5, pax: { "SCHILY.xattr.security.capability": CAPABILITY } },
    { name: at("xattr-folder/"), type: "5", pax: { "SCHILY.xattr.user.folder": "yes" } },
    { name: at("short"), body: "long", pax: { path: at(`${"deep/".repeat(30)}${"n".repeat(250)}`) } },
    { name: at("short-utf8"), body: "accents", pax: { path: at("caf\xc3\xa9 \xf0\x9f\x93\xa6") } },
    { name: at("latin-\xe9"), body: "no UTF-8" },
    { name: at(" space\tand\nline "), body: "odd" },
    { name: at("empty/"), type: "5", mode: 0 },
    sparseByHeader(at("sparse-header")),
    sparseByBody(at("sparse-body")),
  ];
}

/** A megabyte of zeros with a block of data in it, its map in the header. (A real containerd refuses GNU's own headers.) */
function sparseByHeader(name: string): RawEntry {
  const pax = { "GNU.sparse.name": name, "GNU.sparse.size": "1048576", "GNU.sparse.map": "65536,512" };
  return { name, body: "h".repeat(512), pax: { ...pax, "GNU.sparse.numblocks": "1" } };
}

/** The same with the map in the body. */
function sparseByBody(name: string): RawEntry {
  const pax = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": name };
  const map = "1\n65536\n512\n".padEnd(512, "\0");
  return { name, body: `${map}${"b".repeat(512)}`, pax: { ...pax, "GNU.sparse.realsize": "1048576" } };
}

/** What a layer does to the one below: whiteouts, an opaque folder, other types, other attributes, a part of a group of links. */
function changesBelow(layer: number): RawEntry[] {
  const below = (folder: number): string => folderOf(layer - 1, folder);
  const odd = `odd/l${layer - 1}`;
  const bodies = Array.from({ length: 20 }, (_, file) => `${below(0)}/f${file}`);
  return [
    ...bodies.map((name, file) => ({ name, body: `changed by ${layer}`, mtime: 1_450_000_000 + file })),
    { name: `${below(0)}/.wh.f30` },
    { name: `${below(0)}/.wh.f31` },
    { name: `${below(1)}/`, type: "5", mode: 0o711, mtime: 1_350_000_000 },
    { name: `${below(1)}/.wh..wh..opq` },
    { name: `${below(1)}/fresh`, body: "behind an opaque folder" },
    { name: `${below(1)}/sub/`, type: "5" },
    { name: `${folderOf(layer - 1, 2)}/../.wh.d${layer - 1}-2` },
    { name: `${below(3)}/f150/`, type: "5" },
    { name: `${below(3)}/f150/in`, body: "a file became a folder" },
    { name: below(4), body: "a folder became a file", mode: 0o600 },
    { name: `${odd}/hard-1`, body: "no longer of its group", mode: 0o600 },
    { name: `${odd}/hard-new`, type: "1", linkName: `${odd}/hard-1` },
    { name: `${odd}/link/`, type: "5", mode: 0o700 },
    { name: `${odd}/fifo`, type: "3", major: 1, minor: 5 },
    { name: `${odd}/.wh.capable` },
    { name: `${odd}/xattrs`, body: "x", pax: { "SCHILY.xattr.user.other": "another" } },
    { name: `${odd}/deep/deep/added`, body: "its parents come from below" },
  ];
}
