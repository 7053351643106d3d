// New limits: what Docker can change, and what it is not asked to.
import { expect, test } from "vitest";
import { translateResources } from "./resources.js";

const body = (resources: unknown) => translateResources(Buffer.from(JSON.stringify(resources)));

test("limits are changed, silence changes nothing", () => {
  const resources = {
    memory: { limit: 8e6, swap: 9e6, reservation: 7e6 },
    cpu: { shares: 5, quota: 6, period: 7, cpus: "0", mems: "1", realtimePeriod: 8, realtimeRuntime: 9 },
    pids: { limit: 10 },
    blockIO: { weight: 11 },
  };
  expect(body(resources)).toEqual({
    ...{ Memory: 8e6, MemorySwap: 9e6, MemoryReservation: 7e6, CpuShares: 5, CpuQuota: 6, CpuPeriod: 7 },
    ...{ CpusetCpus: "0", CpusetMems: "1", CpuRealtimePeriod: 8, CpuRealtimeRuntime: 9, PidsLimit: 10 },
    BlkioWeight: 11,
  });
  expect(body({ memory: { limit: 0, disableOOMKiller: false }, cpu: null, devices: [], pids: { limit: 0 } })).toEqual(
    {},
  );
  expect(body({ pids: { limit: -1 }, memory: { swap: -1 } })).toEqual({ PidsLimit: -1, MemorySwap: -1 });
});

test("a limit of memory leaves swap as it was", () => {
  const resources = Buffer.from('{"memory":{"limit":8000000}}');
  expect(translateResources(resources, 9e6)).toEqual({ Memory: 8e6 });
  for (const none of [0, -1]) expect(translateResources(resources, none)).toEqual({ Memory: 8e6, MemorySwap: -1 });
});

test.each([
  [{ memory: { limit: -1 } }, "resources.memory.limit (none)"],
  [{ memory: { swappiness: 5 } }, "resources.memory.swappiness"],
  [{ devices: [{ allow: true, access: "rwm" }] }, "resources.devices"],
  [
    { blockIO: { throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 1 }] } },
    "resources.blockIO.throttleWriteBpsDevice",
  ],
  [{ unified: { "memory.high": "1" } }, "resources.unified"],
  [{ hugepageLimits: [{ pageSize: "2MB", limit: 1 }], pids: { limit: 5 } }, "resources.hugepageLimits"],
])("%j is refused", (resources, name) => {
  const error = { kind: "invalid_argument", message: `a Docker container cannot be given ${name}: invalid argument` };
  expect(() => body(resources)).toThrow(expect.objectContaining(error));
});

test("what are no resources is an error", () => {
  expect(() => translateResources(Buffer.from("x"))).toThrow("resources is not JSON: invalid argument");
  expect(() => body({ pids: { limit: "x" } })).toThrow("invalid resources: pids.limit: ");
});
