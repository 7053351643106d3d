// Owners inside of owners outside, also within access lists and capabilities.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mapXattr } from "../../../api/client/files/map-xattr.js";
import { parseIdMap } from "./id-map.js";

const range = (kind: "uid" | "gid", outside: number, inside: number, count: number) => ({
  Isuid: kind === "uid",
  Isgid: kind === "gid",
  Hostid: outside,
  Nsid: inside,
  Maprange: count,
});

/** One user kept as it is, the others shifted, as a `raw.idmap` makes it. */
const MAP = JSON.stringify([
  range("uid", 1_000_000, 0, 1000),
  range("uid", 1000, 1000, 1),
  range("uid", 1_001_001, 1001, 999_998_999),
  range("gid", 2_000_000, 0, 1_000_000_000),
]);

describe("owners", () => {
  const { uid, gid } = parseIdMap(MAP);

  test.each([
    ["the root", uid(1_000_000), 0],
    ["the one that is kept", uid(1000), 1000],
    ["one above it", uid(1_001_001), 1001],
    ["the last", uid(1_000_999_999), 999_999_999],
    ["one that no range knows", uid(0), 0],
    ["another", uid(1_001_000), 1_001_000],
    ["a group, which has ranges of its own", gid(2_000_005), 5],
    ["one that is a user's number", gid(1_000_005), 1_000_005],
  ])("%s", (_, found, wanted) => {
    expect(found).toBe(wanted);
  });

  test.each([[undefined], [""], ["[]"]])("nothing is shifted by the map %j", (json) => {
    expect(parseIdMap(json).uid(1_000_000)).toBe(1_000_000);
  });

  test("another form is no map", () => {
    expect(() => parseIdMap('[{"Hostid":1}]')).toThrow();
    expect(() => parseIdMap("both 1000 1000")).toThrow();
  });

  test("what is inside a range comes back from outside", () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), (inside) => {
        expect(parseIdMap(JSON.stringify([range("uid", 1_000_000, 0, 1_000_000_000)])).uid(inside + 1_000_000)).toBe(
          inside,
        );
      }),
    );
  });
});

const ids = parseIdMap(MAP);

/** Version 2, then tag, permissions and number of each. */
function acl(entries: readonly (readonly [number, number, number])[]): Buffer {
  const value = Buffer.alloc(4 + entries.length * 8);
  value.writeUInt32LE(2, 0);
  for (const [index, [tag, permissions, id]] of entries.entries()) {
    value.writeUInt16LE(tag, 4 + index * 8);
    value.writeUInt16LE(permissions, 6 + index * 8);
    value.writeUInt32LE(id, 8 + index * 8);
  }
  return value;
}

const NOBODY = 0xffffffff;

test("an access list tells users and groups inside; its other entries have no number", () => {
  const outside = acl([
    [1, 7, NOBODY],
    [2, 4, 1_000_007],
    [4, 5, NOBODY],
    [8, 6, 2_000_008],
    [16, 7, NOBODY],
    [32, 0, NOBODY],
  ]);
  const inside = acl([
    [1, 7, NOBODY],
    [2, 4, 7],
    [4, 5, NOBODY],
    [8, 6, 8],
    [16, 7, NOBODY],
    [32, 0, NOBODY],
  ]);
  for (const name of ["system.posix_acl_access", "system.posix_acl_default"]) {
    expect(mapXattr(name, outside, ids)).toEqual(inside);
  }
  expect(mapXattr("user.note", outside, ids)).toEqual(outside);
});

describe("capabilities", () => {
  const NET_RAW = "00200000000000000000000000000000";
  const value = (revision: string, root: string): Buffer => Buffer.from(`010000${revision}${NET_RAW}${root}`, "hex");

  test.each([
    ["of the container's root become anybody's", value("03", "40420f00"), value("02", "")],
    ["of another root stay that one's", value("03", "47420f00"), value("03", "07000000")],
    ["of the older form stay", value("02", ""), value("02", "")],
    ["that are none stay", Buffer.from("nonsense"), Buffer.from("nonsense")],
  ])("%s", (_, outside, inside) => {
    expect(mapXattr("security.capability", outside, ids)).toEqual(inside);
  });
});

test("any attribute of any length is mapped without a failure", () => {
  const name = fc.constantFrom("system.posix_acl_access", "security.capability", "user.x");
  fc.assert(
    fc.property(name, fc.uint8Array({ maxLength: 64 }), (attribute, value) => {
      expect(mapXattr(attribute, Buffer.from(value), ids).length).toBeLessThanOrEqual(value.length);
    }),
  );
});
