import { expect, test } from "vitest";
import { namesOf } from "./image-names.js";
import { cleanPath } from "./read-archive.js";
import { tarHeader, tarPadding } from "./tar-writer.js";

const DIGEST = `sha256:${"a".repeat(64)}`;
const described = (annotations: Readonly<Record<string, string>>) => ({
  mediaType: "",
  digest: DIGEST,
  sizeBytes: 1,
  annotations,
});
const REF = "org.opencontainers.image.ref.name";
const NAME = "io.containerd.image.name";
const date = "2026-01-02";

test.each([
  [{ [REF]: "v1" }, { date }, ["import-2026-01-02:v1"]],
  [{ [REF]: "example.com/a:v1" }, { date }, ["example.com/a:v1"]],
  [{ [NAME]: "example.com/b:1", [REF]: "1" }, { date }, ["example.com/b:1"]],
  [{}, { date }, []],
  [{}, { date, digests: true }, [`import-2026-01-02@${DIGEST}`]],
  [{ [REF]: "v1" }, { baseName: "example.com/a" }, ["example.com/a:v1"]],
  [{ [REF]: "example.com/ab:v1" }, { baseName: "example.com/a" }, []],
  [
    { [REF]: "example.com/a:v1" },
    { baseName: "example.com/a", digests: true },
    ["example.com/a:v1", `example.com/a@${DIGEST}`],
  ],
  [{ [REF]: "v1" }, { date, digests: true, skipDigestForNamed: true }, ["import-2026-01-02:v1"]],
  [{}, { date, digests: true, skipDigestForNamed: true }, [`import-2026-01-02@${DIGEST}`]],
])("names of %j with %j", (annotations, naming, names) => {
  expect(namesOf(described(annotations), naming)).toEqual(names);
});

test.each([
  ["./a//b/../c", "a/c"],
  ["/a/./b/", "a/b"],
  ["a/..", ""],
])("path %j", (path, clean) => {
  expect(cleanPath(path)).toBe(clean);
});

test.each(["..", "a/../../b", "/../x"])("path %j leads outside", (path) => {
  expect(() => cleanPath(path)).toThrow("leads outside");
});

test("headers hold any size, and their sum is right", () => {
  const header = tarHeader({ name: "blobs/x", mode: 0o444, sizeBytes: 1000 });
  expect(header.toString("latin1", 124, 136)).toBe("00000001750\0");
  const sum = Number.parseInt(header.toString("latin1", 148, 154), 8);
  header.fill(" ", 148, 156);
  expect(header.reduce((total, byte) => total + byte, 0)).toBe(sum);
  const large = tarHeader({ name: "x", mode: 0o444, sizeBytes: 2 ** 40 });
  expect([large[124], large.readBigUInt64BE(128)]).toEqual([0x80, 2n ** 40n]);
  expect(() => tarHeader({ name: "x".repeat(101), mode: 0 })).toThrow("too long");
  expect([0, 1, 511, 512, 513].map((size) => tarPadding(size).length)).toEqual([0, 511, 1, 0, 511]);
});
