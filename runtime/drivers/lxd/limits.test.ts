import { describe, expect, test } from "vitest";
import { limitSettings, linuxResourcesSchema } from "./limits.js";

const change = (resources: object): Record<string, string> =>
  limitSettings(linuxResourcesSchema.parse(resources), "change");
const make = (resources: object): Record<string, string> =>
  limitSettings(linuxResourcesSchema.parse(resources), "make");

describe("limits as LXD's settings", () => {
  test.each([
    ["nothing", {}, {}],
    ["zeros", { memory: { limit: 0 }, cpu: { shares: 0, quota: 0, cpus: "" } }, {}],
    ["memory", { memory: { limit: 67_108_864 } }, { "limits.memory": "67108864B" }],
    [
      "memory without swap",
      { memory: { limit: 1024, swap: 1024 } },
      { "limits.memory": "1024B", "limits.memory.swap": "false" },
    ],
    ["processes", { pids: { limit: 10 } }, { "limits.processes": "10" }],
    ["shares", { cpu: { shares: 512 } }, { "limits.cpu.allowance": "50%" }],
    ["few shares", { cpu: { shares: 2 } }, { "limits.cpu.allowance": "1%" }],
    ["a quota", { cpu: { quota: 50_000, period: 200_000 } }, { "limits.cpu.allowance": "50ms/200ms" }],
    ["a quota of the usual period", { cpu: { quota: 150_000 } }, { "limits.cpu.allowance": "150ms/100ms" }],
    ["one processor", { cpu: { cpus: "1" } }, { "limits.cpu": "1-1" }],
    ["processors", { cpu: { cpus: "0,2-3" } }, { "limits.cpu": "0,2-3" }],
  ])("%s", (_, resources, settings) => {
    expect(change(resources)).toEqual(settings);
    expect(make(resources)).toEqual(settings);
  });

  test("none takes a limit away, where there can be one", () => {
    expect(change({ cpu: { shares: 1024 } })).toEqual({ "limits.cpu.allowance": "" });
    const none = { memory: { limit: -1 }, pids: { limit: -1 }, cpu: { quota: -1 } };
    const settings = { "limits.memory": "", "limits.processes": "", "limits.cpu.allowance": "" };
    expect(change(none)).toEqual(settings);
    expect(make(none)).toEqual({});
    expect(make({ memory: { limit: Number.MAX_SAFE_INTEGER * 1024 } })).toEqual({});
  });

  test.each([
    [{ blockIO: { weight: 5 } }, "resources.blockIO"],
    [{ memory: { reservation: 5, limit: 7 } }, "resources.memory.reservation"],
    [{ memory: { swap: 5, limit: 3 } }, "resources.memory.swap"],
    [{ cpu: { shares: 5, quota: 1000 } }, "resources.cpu.shares beside resources.cpu.quota"],
    [{ unified: { "memory.high": "1" }, cpu: { mems: "0" } }, "resources.cpu.mems, resources.unified"],
  ])("%j is refused by name", (resources, names) => {
    expect(() => change(resources)).toThrow(`an LXD container cannot be given ${names}: invalid argument`);
  });

  test("rules for devices are LXD's own, and not to be changed", () => {
    const devices = { devices: [{ allow: false, access: "rwm" }] };
    expect(make(devices)).toEqual({});
    expect(() => change(devices)).toThrow("resources.devices");
    expect(linuxResourcesSchema.safeParse({ memory: { limit: "much" } }).success).toBe(false);
  });
});
