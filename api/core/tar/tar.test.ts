// Archives as other programs write them, read in pieces cut anywhere; and ours, read back and by tar(1).
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EVERYTHING } from "../../../test/helpers/layers.js";
import { seeded } from "../../../test/helpers/random.js";
import { tarOf } from "../../../test/helpers/tar.js";
import { type TarEntry, TarReader } from "./reader.js";
import { encodeHeader, endMarks, type NewEntry } from "./writer.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-tar-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** All entries with their whole contents, holes as zeros. */
function readAll(archive: Buffer, cut: () => number = () => archive.length): { entry: TarEntry; body: Buffer }[] {
  const told: { entry: TarEntry; body: Buffer }[] = [];
  const reader = new TarReader({
    entry: (entry) => void told.push({ entry, body: Buffer.alloc(entry.fileBytes) }),
    data: (buffer, start, end, offset) => void buffer.copy(told.at(-1)?.body ?? Buffer.alloc(0), offset, start, end),
    end: () => {},
  });
  for (let at = 0; at < archive.length; ) {
    const end = at + cut();
    reader.push(archive.subarray(at, end));
    at = end;
  }
  reader.finish();
  return told;
}

describe("what GNU tar writes", () => {
  const forms = [
    ["gnu, sparse", ["--format=gnu", "--sparse"]],
    ["pax, sparse 0.0", ["--format=posix", "--sparse", "--sparse-version=0.0"]],
    ["pax, sparse 0.1", ["--format=posix", "--sparse", "--sparse-version=0.1"]],
    ["pax, sparse 1.0", ["--format=posix", "--sparse", "--sparse-version=1.0"]],
    ["gnu", ["--format=gnu"]],
    ["v7", ["--format=v7", "--exclude=*long*"]],
  ] as const;

  test.each(forms)("%s: names, contents and holes", (_, options) => {
    const source = join(dir, "source");
    const long = "a-long-folder/".repeat(12);
    mkdirSync(join(source, long), { recursive: true });
    writeFileSync(join(source, long, "file"), "in the depth");
    const fd = openSync(join(source, "holes"), "w");
    // More pieces than a header has room for.
    for (let piece = 0; piece < 60; piece += 1) writeSync(fd, `piece ${piece}`, piece * 100_000);
    ftruncateSync(fd, 7_000_000);
    closeSync(fd);
    const archive = execFileSync("tar", [...options, "-C", source, "-c", "."], { maxBuffer: 2 ** 27 });
    const told = new Map(readAll(archive).map(({ entry, body }) => [entry.name, { entry, body }]));
    const holes = told.get("./holes");
    expect(holes?.body.equals(readFileSync(join(source, "holes")))).toBe(true);
    expect(holes?.entry.type).toBe("0");
    expect(told.get("./")?.entry.type).toBe("5");
    if (!options.some((option) => option.startsWith("--exclude"))) {
      expect(told.get(`./${long}file`)?.body.toString()).toBe("in the depth");
    }
  });
});

test("an archive cut anywhere tells the same", () => {
  const random = seeded(7);
  for (const entries of EVERYTHING) {
    const archive = tarOf(...entries);
    const whole = readAll(archive);
    for (const most of [2, 100, 511, 512, 513, 1500])
      expect(readAll(archive, () => random.between(1, most + 1))).toEqual(whole);
  }
});

test("what is written is read back, by us and by tar(1)", () => {
  const base = { type: "0", mode: 0o640, uid: 0, gid: 0, sizeBytes: 0, modifiedSeconds: 1_500_000_000n };
  const entries: NewEntry[] = [
    { ...base, name: "plain" },
    { ...base, name: "deep/".repeat(50), type: "5", mode: 0o1755 },
    { ...base, name: "caf\xc3\xa9", uid: 3_000_000, gid: 4_294_967_294 },
    { ...base, name: "link", type: "2", linkName: "target/".repeat(30) },
    { ...base, name: "before 1970", modifiedSeconds: -5n },
    { ...base, name: "device", type: "4", major: 259, minor: 70_000 },
    { ...base, name: "xattr", records: { "SCHILY.xattr.security.capability": "\x01\0\n=\xff" } },
  ];
  const archive = Buffer.concat([...entries.map(encodeHeader), endMarks()]);
  expect(Buffer.concat([...entries.map(encodeHeader), endMarks()]).equals(archive)).toBe(true);
  const told = readAll(archive);
  expect(told.map(({ entry }) => entry)).toEqual(
    entries.map(({ modifiedSeconds, records: _, linkName = "", major = 0, minor = 0, ...rest }) =>
      expect.objectContaining({ ...rest, linkName, major, minor, modifiedNs: modifiedSeconds * 1_000_000_000n }),
    ),
  );
  expect(told.at(-1)?.entry.pax.get("SCHILY.xattr.security.capability")).toBe("\x01\0\n=\xff");
  const listed = execFileSync("tar", ["--numeric-owner", "-tv"], { input: archive }).toString();
  expect(listed).toContain("3000000/4294967294");
  expect(listed.trim().split("\n")).toHaveLength(entries.length);
});
