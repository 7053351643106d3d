// What an engine left out of a container, found by what it says itself.
import { expect, test } from "vitest";
import { lostLimits, missingModules, wantedLimits, wantedModules } from "./kept.js";

test("limits that the engine has dropped", () => {
  const rates = [{ Path: "/dev/sda", Rate: 5 }];
  const asked = { HostConfig: { Memory: 5, BlkioWeight: 10, PidsLimit: -1, CpuShares: 2, BlkioDeviceReadBps: rates } };
  const made = { Memory: 5, BlkioWeight: 0, PidsLimit: 0, CpuShares: 2, BlkioDeviceReadBps: rates };
  expect(wantedLimits(asked)).toEqual(["Memory", "CpuShares", "PidsLimit", "BlkioWeight", "BlkioDeviceReadBps"]);
  expect(lostLimits(asked, made)).toEqual(["BlkioWeight"]);
  expect(lostLimits(asked, { ...made, BlkioDeviceReadBps: null })).toEqual(["BlkioWeight", "BlkioDeviceReadBps"]);
  expect(wantedLimits({ HostConfig: { ReadonlyRootfs: true } })).toEqual([]);
});

test("security modules that the host does not have", () => {
  const asked = { HostConfig: { SecurityOpt: ["no-new-privileges", "apparmor=x", "label=user:a", "label=role:b"] } };
  expect(wantedModules(asked)).toEqual(["apparmor", "selinux"]);
  expect(missingModules(wantedModules(asked), ["name=seccomp,profile=default", "name=apparmor"])).toEqual(["selinux"]);
  expect(missingModules(wantedModules({ HostConfig: {} }), [])).toEqual([]);
});
