import { expect, test } from "vitest";
import { LXD_RUNTIME } from "../../api/client/lxd-options.js";
import type { ContainerFlags } from "./container-request.js";
import { lxdTarget } from "./lxd-flags.js";

const FLAGS: ContainerFlags = { runtime: LXD_RUNTIME, cpuShares: 1024, cpuQuota: -1, cpuPeriod: 0, pivot: true };

test("an alias, an id, and what is to run in the place of init", () => {
  expect(lxdTarget(FLAGS, ["debian/12", "box"])).toEqual({ kind: "lxd", source: "debian/12", id: "box", args: [] });
  expect(lxdTarget(FLAGS, ["debian/12", "box", "--", "sh"])).toMatchObject({ args: ["sh"] });
  expect(() => lxdTarget(FLAGS, [])).toThrow("image alias must be provided");
  expect(() => lxdTarget(FLAGS, ["debian/12"])).toThrow("container id must be provided");
});

test("what is LXD's to set is refused by name", () => {
  const flags = { ...FLAGS, mount: ["x"], user: "me", privileged: false };
  expect(() => lxdTarget(flags, ["debian/12", "box"])).toThrow("--mount, --user: with runtime io.berth.lxd.v1");
});
