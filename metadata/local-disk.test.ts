import { expect, test } from "vitest";
import { networkFileSystem, requireLocalDisk } from "./local-disk.js";

test.each([
  [0x6969, "nfs"],
  [0xff534d42, "cifs"],
  [0xff534d42 | 0, "cifs"],
  [0x01021997, "9p"],
  [0xef53, undefined],
  [0x01021994, undefined],
])("statfs type %i is %s", (type, name) => {
  expect(networkFileSystem(type)).toBe(name);
});

test("a local folder passes", () => {
  requireLocalDisk("/tmp");
});
