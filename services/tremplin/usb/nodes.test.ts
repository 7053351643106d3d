import { afterAll, beforeAll, expect, test } from "vitest";
import { DisposeScope } from "../../../api/core/dispose.js";
import { tempDir } from "../../../test/helpers/temp.js";
import { makeUsbTree, type UsbTree } from "../../../test/helpers/usb-tree.js";
import { listDeviceNodes } from "./nodes.js";

const scope = new DisposeScope();
let tree: UsbTree;
beforeAll(async () => {
  tree = await makeUsbTree(await tempDir(scope));
  await tree.addHub({ bus: 1, speed: 480, ports: 4 });
});
afterAll(() => scope[Symbol.asyncDispose]());

test("the device, its terminals and its disks are told, and nothing else of it", async () => {
  await tree.plug("1-2", [
    { subsystem: "usb", name: "bus/usb/001/004", numbers: "189:3" },
    { subsystem: "tty", name: "ttyUSB0", numbers: "188:0", at: "1-2:1.0/ttyUSB0/tty/ttyUSB0" },
    { subsystem: "hidraw", name: "hidraw0", numbers: "244:0", at: "1-2:1.1/hidraw/hidraw0" },
    { subsystem: "block", name: "sda", numbers: "8:0", at: "1-2.1/1-2.1:1.0/host0/block/sda" },
    { subsystem: "block", name: "sda1", numbers: "8:1", at: "1-2.1/1-2.1:1.0/host0/block/sda/sda1" },
  ]);
  expect(await listDeviceNodes(tree.dir, "1-2")).toEqual([
    { path: "/dev/bus/usb/001/004", isBlock: false, major: 189, minor: 3 },
    { path: "/dev/sda", isBlock: true, major: 8, minor: 0 },
    { path: "/dev/sda1", isBlock: true, major: 8, minor: 1 },
    { path: "/dev/ttyUSB0", isBlock: false, major: 188, minor: 0 },
  ]);
});

test("a name that leaves /dev is none", async () => {
  await tree.plug("1-3", [{ subsystem: "usb", name: "../etc/passwd", numbers: "189:3" }]);
  expect(await listDeviceNodes(tree.dir, "1-3")).toEqual([]);
});

test("an empty port has none", async () => {
  expect(await listDeviceNodes(tree.dir, "1-1")).toEqual([]);
  await tree.unplug("1-2");
  expect(await listDeviceNodes(tree.dir, "1-2")).toEqual([]);
});
