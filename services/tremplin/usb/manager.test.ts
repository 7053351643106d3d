import { expect, test } from "vitest";
import { deviceOf, portOfDevice, UsbManager, withNodes } from "./manager.js";

const USB = { path: "/dev/bus/usb/001/004", isBlock: false, major: 189, minor: 3 };
const DISK = { path: "/dev/sda", isBlock: true, major: 8, minor: 0 };
const USB_DEVICE = { type: "unix-char", path: USB.path, major: "189", minor: "3", mode: "0666" };
const DISK_DEVICE = { type: "unix-block", path: DISK.path, major: "8", minor: "0", mode: "0666" };

test("a node is a device whose name tells the port", () => {
  expect(deviceOf(12, USB)).toEqual(["tremplin-usb-12-c189-3", USB_DEVICE]);
  expect(deviceOf(1, DISK)).toEqual(["tremplin-usb-1-b8-0", DISK_DEVICE]);
  expect(portOfDevice("tremplin-usb-12-c189-3")).toBe(12);
  for (const name of ["eth0", "tremplin-usb-x-c1-1", "tremplin-usb-1"]) expect(portOfDevice(name)).toBeUndefined();
});

test("a table gets what is plugged in, and keeps what is not of the port", () => {
  const others = { eth0: { type: "nic" }, "tremplin-usb-2-c189-9": { ...USB_DEVICE, minor: "9" } };
  const one = withNodes(others, 1, [USB]);
  expect(one).toEqual({ ...others, "tremplin-usb-1-c189-3": USB_DEVICE });
  const both = withNodes(one, 1, [USB, DISK]);
  expect(Object.keys(both)).toHaveLength(4);
  expect(withNodes(both, 1, [DISK])).toEqual({ ...others, "tremplin-usb-1-b8-0": DISK_DEVICE });
  expect(withNodes(both, 1, [])).toEqual(others);
});

test("a table that is right already stays itself; one that somebody changed does not", () => {
  const right = withNodes({}, 1, [USB]);
  expect(withNodes(right, 1, [USB])).toBe(right);
  const changed = { "tremplin-usb-1-c189-3": { ...USB_DEVICE, path: "/dev/other" } };
  expect(withNodes(changed, 1, [USB])).toEqual(right);
});

test("ports become free one by one, or with their container", () => {
  const usb = new UsbManager();
  for (const [port, name] of [
    [1, "a"],
    [2, "b"],
    [3, "a"],
  ] as const) {
    usb.attach(port, name);
  }
  usb.free(2);
  expect(usb.ports()).toEqual([1, 3]);
  usb.freeAllOf("a");
  expect(usb.ports()).toEqual([]);
  expect(usb.get(1)).toBeUndefined();
});
