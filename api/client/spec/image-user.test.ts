// Who a container of an image runs as, as observed of containerd's client 1.6.20.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { imageLabels } from "../image-container.js";
import { lookUpImageUser } from "./user.js";

const bare = mkdtempSync(join(tmpdir(), "berth-user-"));
const root = join(bare, "root");

beforeAll(() => {
  mkdirSync(join(root, "etc"), { recursive: true });
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nadm:x:4:root,web\nweb:x:34:\nextra:x:77:web\n");
});
afterAll(() => rmSync(bare, { recursive: true }));

test.each([
  ["", 0, 0, [0, 4]],
  ["root", 0, 0, [0, 4]],
  ["0", 0, 0, [0, 4]],
  ["5", 5, 0, [0]],
  ["5:6", 5, 6, [6]],
  ["33", 33, 34, [34, 4, 77]],
  ["web", 33, 34, [34, 4, 77]],
  ["web:extra", 33, 77, [4, 77]],
  ["33:extra", 33, 77, [4, 77]],
  ["web:99", 33, 99, [99, 4, 77]],
])("user %j", (text, uid, gid, additionalGids) => {
  expect(lookUpImageUser(root, text)).toEqual({ uid, gid, additionalGids });
});

test("without /etc/passwd only numbers are known", () => {
  expect(lookUpImageUser(bare)).toEqual({ uid: 0, gid: 0, additionalGids: [0] });
  expect(lookUpImageUser(bare, "7:8")).toEqual({ uid: 7, gid: 8, additionalGids: [8] });
  expect(() => lookUpImageUser(bare, "web")).toThrow('user "web" in the root filesystem: not found');
  expect(() => lookUpImageUser(root, "web:ghost")).toThrow('group "ghost" in the root filesystem: not found');
});

test("a container has the labels of its image, those of the record before those of the config", () => {
  const config = { Labels: { a: "config", b: "config", long: "x".repeat(5000) }, StopSignal: "SIGINT" };
  const known = { os: "linux", architecture: "amd64", variant: "", rootfs: { diff_ids: [] } };
  expect(imageLabels({ labels: { a: "record" } }, { ...known, config })).toEqual({
    a: "record",
    b: "config",
    "io.containerd.image.config.stop-signal": "SIGINT",
  });
  expect(imageLabels({ labels: {} }, known)).toEqual({ "io.containerd.image.config.stop-signal": "SIGTERM" });
});
