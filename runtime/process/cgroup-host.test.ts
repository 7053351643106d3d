// Hosts of every kind, as the kernel describes them.
import { expect, test } from "vitest";
import { parseCgroupHost } from "./cgroup-host.js";
import { groupPath } from "./cgroup-path.js";

const V1_MOUNTS = `31 23 0:28 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
33 31 0:31 / /sys/fs/cgroup/my\\040memory rw - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
`;
const V2_MOUNT = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";

test("version 1: controllers that share a hierarchy, a folder with a blank, a hierarchy without controllers", () => {
  const groups = "5:name=systemd:/init.scope\n4:memory:/a/b:c\n2:cpu,cpuacct:/\n";
  const host = parseCgroupHost(V1_MOUNTS, groups);
  const cpu = { folder: "/sys/fs/cgroup/cpu,cpuacct", own: "/" };
  expect([...host.v1]).toEqual([
    ["cpu", cpu],
    ["cpuacct", cpu],
    ["memory", { folder: "/sys/fs/cgroup/my memory", own: "/a/b:c" }],
  ]);
  expect(host.unified).toBeUndefined();
});

test("both versions", () => {
  const host = parseCgroupHost(V1_MOUNTS + V2_MOUNT, "2:cpu,cpuacct:/\n0::/user.slice\n");
  expect(host.v1.size).toBe(2);
  expect(host.unified).toEqual({ folder: "/sys/fs/cgroup/unified", own: "/user.slice" });
});

test("part of a hierarchy is mounted", () => {
  const mount = (root: string) => `41 31 0:38 ${root} /cg rw - cgroup2 cgroup2 rw\n`;
  expect(parseCgroupHost(mount("/docker/x"), "0::/docker/x/own\n").unified?.own).toBe("/own");
  expect(parseCgroupHost(mount("/docker/x"), "0::/docker/x\n").unified?.own).toBe("/");
  expect(parseCgroupHost(mount("/docker/x"), "0::/docker/xy\n").unified?.own).toBe("/");
});

test("none", () => {
  expect(parseCgroupHost("", "")).toEqual({ v1: new Map(), unified: undefined });
});

test.each([
  ["/a/b", true, "/a/b"],
  ["a/b", true, "/own/a/b"],
  ["/a/b", false, "/own/a/b"],
  ["../../x", false, "/own/x"],
  ["/../x/./y/", true, "/x/y"],
])("%s, as root %s, is %s", (path, isRoot, wanted) => {
  expect(groupPath({ folder: "/cg", own: "/own" }, path, isRoot)).toBe(wanted);
});
