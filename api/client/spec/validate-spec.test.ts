import { describe, expect, test } from "vitest";
import { createSpec } from "./create-spec.js";
import { validateSpec } from "./validate-spec.js";

const good = (): Record<string, unknown> => ({
  ...createSpec({ namespace: "n", id: "c", rootfs: "/r", args: ["sh"], hostname: "h" }),
});
const texts = (spec: unknown, options?: Parameters<typeof validateSpec>[1]): string[] =>
  validateSpec(typeof spec === "string" ? spec : JSON.stringify(spec), options).map(
    ({ level, path, message }) => `${level} ${path}: ${message}`,
  );

describe("validateSpec", () => {
  test("has nothing to say of what Berth itself makes", () => {
    expect(texts(good(), { runtime: "io.containerd.runc.v2" })).toEqual([]);
    const process = { ociVersion: "1.0.2", process: { args: ["/bin/true"], cwd: "/", env: ["A=1"] } };
    expect(texts(process, { runtime: "io.berth.process.v1" })).toEqual([]);
  });

  test.each<[name: string, change: object, want: string]>([
    ["no program", { process: { args: [], cwd: "/" } }, "error process.args: no program"],
    ["a relative folder", { process: { args: ["a"], cwd: "x" } }, "error process.cwd: not an absolute path"],
    [
      "a variable without a name",
      { process: { args: ["a"], cwd: "/", env: ["A=1", "=2"] } },
      "error process.env.1: not NAME=value",
    ],
    [
      "a soft limit above the hard one",
      { process: { args: ["a"], cwd: "/", rlimits: [{ type: "RLIMIT_NOFILE", hard: 1, soft: 2 }] } },
      "error process.rlimits.0: the soft limit is above the hard one",
    ],
    ["no process", { process: null }, "error process: missing: there is nothing to run"],
    ["no root", { root: undefined }, "error root: missing: a container has a root file system"],
    ["a slip of the pen", { mounst: [] }, "warning mounst: not a member of the specification"],
    [
      "a namespace twice",
      { linux: { namespaces: [{ type: "pid" }, { type: "pid" }, { type: "uts" }] } },
      "error linux.namespaces: a type more than once",
    ],
    ["a host's name", { linux: { namespaces: [] } }, "error hostname: needs a uts namespace of its own"],
    [
      "mappings for nobody",
      { linux: { namespaces: [{ type: "uts" }], uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] } },
      "error linux.uidMappings: needs a user namespace",
    ],
    [
      "another version",
      { ociVersion: "2.0.0" },
      "error ociVersion: not a version 1 of the specification, such as 1.1.0",
    ],
  ])("finds %s", (_, change, want) => {
    expect(texts({ ...good(), ...change })).toContain(want);
  });

  test("takes integers of 64 bits", () => {
    const text = JSON.stringify(good()).replace(
      /"resources":\{/,
      '"resources":{"memory":{"limit":9223372036854771712},',
    );
    expect(text).toContain("9223372036854771712");
    expect(texts(text)).toEqual([]);
  });

  test("says what a process of the host cannot have, unless that may be left out", () => {
    const options = { runtime: "io.berth.process.v1" };
    expect(texts(good(), options)).toContain("error linux.namespaces: no process of the host can have it");
    expect(texts(good(), { ...options, ignoresIsolation: true })).toEqual([]);
  });

  test("says what is no JSON, and what is no spec", () => {
    expect(texts("{")).toEqual([expect.stringContaining("error : not JSON:")]);
    expect(texts("[]")).toEqual([expect.stringContaining("error : ")]);
  });
});
