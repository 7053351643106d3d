// Who a process is and what it may do, as the kernel tells; which rights are missing, by name.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HostFixture, hostProcess } from "../../test/helpers/process-host.js";
import { requires } from "../../test/helpers/requires.js";
import { ownCapabilities } from "./capabilities.js";

const STATUS = ["cat", "/proc/self/status"];

let fixture: HostFixture;
beforeEach(() => {
  fixture = new HostFixture();
  chmodSync(fixture.dir, 0o755);
});
afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
});

/** Fields of /proc/PID/status, blanks made one. */
async function statusOf(process: object): Promise<Map<string, string>> {
  const { text, status } = await fixture.output(hostProcess(STATUS, process));
  expect([status, text]).toEqual([0, expect.stringContaining("Name:")]);
  return new Map(
    text.split("\n").map((line) => {
      const [name = "", ...words] = line.split(/[:\s]+/);
      return [name, words.join(" ").trim()];
    }),
  );
}
const ids = (id: number): string => Array<number>(4).fill(id).join(" ");
const bits = (...numbers: number[]): string =>
  numbers
    .reduce((sum, number) => sum + (1n << BigInt(number)), 0n)
    .toString(16)
    .padStart(16, "0");
const denied = async (process: object, message: string): Promise<void> =>
  await expect(fixture.create("t", hostProcess(["true"], process))).rejects.toMatchObject({
    kind: "permission_denied",
    message: `OCI runtime create failed: ${message}: permission denied`,
  });

test("without new privileges there are none to get", async () => {
  expect((await statusOf({ noNewPrivileges: true })).get("NoNewPrivs")).toBe("1");
  expect((await statusOf({ noNewPrivileges: false })).get("NoNewPrivs")).toBe(
    /^NoNewPrivs:\t(\d)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1],
  );
});

test("without a user it is our own", async () => {
  const status = await statusOf({});
  expect(status.get("Uid")).toBe(ids(process.geteuid?.() ?? 0));
  expect(status.get("Gid")).toBe(ids(process.getegid?.() ?? 0));
});

test("what needs a right is done with it, and refused by the right's name without it", async () => {
  if (ownCapabilities().effective.has("CAP_SYS_RESOURCE")) {
    const shown = hostProcess(["cat", "/proc/self/oom_score_adj"], { oomScoreAdj: -1000 });
    expect(await fixture.output(shown)).toMatchObject({ text: "-1000\n", status: 0 });
    return;
  }
  const rlimits = [{ type: "RLIMIT_NOFILE", soft: 10, hard: 2 ** 62 }];
  await expect(fixture.create("t", hostProcess(["true"], { rlimits }))).rejects.toMatchObject({
    kind: "permission_denied",
    message: expect.stringMatching(/a hard RLIMIT_NOFILE of \d+ needs CAP_SYS_RESOURCE: permission denied$/),
  });
  await expect(fixture.create("t", hostProcess(["true"], { oomScoreAdj: -1000 }))).rejects.toMatchObject({
    kind: "permission_denied",
    message: expect.stringContaining("process.oomScoreAdj -1000 needs CAP_SYS_RESOURCE"),
  });
});

describe.skipIf(requires.root())("as root", () => {
  const caps = { bounding: [], inheritable: [], permitted: [], effective: [], ambient: [] };

  test("it may be anybody, in any groups", async () => {
    const user = { uid: 1234, gid: 2345, additionalGids: [7, 3456] };
    const status = await statusOf({ user });
    expect(status.get("Uid")).toBe(ids(1234));
    expect(status.get("Gid")).toBe(ids(2345));
    expect(status.get("Groups")).toBe("7 3456");
    expect(status.get("CapEff")).toBe(bits());
    expect((await statusOf({ user: { uid: 1234, gid: 2345 } })).get("Groups")).toBe("");
  });

  test("capabilities of root are what is bounding and inheritable", async () => {
    const names = ["CAP_CHOWN", "CAP_KILL"];
    const status = await statusOf({
      capabilities: { ...caps, bounding: names, permitted: names, effective: names },
      noNewPrivileges: true,
    });
    for (const set of ["CapBnd", "CapPrm", "CapEff"]) expect([set, status.get(set)]).toEqual([set, bits(0, 5)]);
    for (const set of ["CapInh", "CapAmb"]) expect([set, status.get(set)]).toEqual([set, bits()]);
  });

  test("capabilities of anybody else are the ambient ones", async () => {
    const names = ["CAP_CHOWN", "CAP_KILL"];
    const one = ["CAP_KILL"];
    const capabilities = { bounding: names, inheritable: one, permitted: names, effective: names, ambient: one };
    const status = await statusOf({ user: { uid: 1234, gid: 2345 }, capabilities });
    expect(status.get("CapBnd")).toBe(bits(0, 5));
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) {
      expect([set, status.get(set)]).toEqual([set, bits(5)]);
    }
  });

  test("no capabilities are none", async () => {
    const status = await statusOf({ capabilities: {} });
    for (const set of ["CapBnd", "CapInh", "CapPrm", "CapEff", "CapAmb"]) {
      expect([set, status.get(set)]).toEqual([set, bits()]);
    }
  });

  test.each([
    ["an unknown one", { bounding: ["CAP_X"] }, 'process.capabilities: unknown capability "CAP_X"'],
    [
      "an inheritable one out of bounds",
      { inheritable: ["CAP_KILL"] },
      "process.capabilities.inheritable: CAP_KILL is not among the bounding ones",
    ],
    [
      "an ambient one that is not inheritable",
      { bounding: ["CAP_KILL"], ambient: ["CAP_KILL"] },
      "process.capabilities.ambient: CAP_KILL is not among the inheritable ones",
    ],
    [
      "a bounding one that the kernel would give",
      { bounding: ["CAP_KILL"] },
      "process.capabilities.bounding: CAP_KILL is not among the permitted ones",
    ],
  ])("%s is refused", async (_, sets, message) => {
    const capabilities = { ...caps, ...sets };
    const task = hostProcess(["true"], { capabilities, noNewPrivileges: true });
    await expect(fixture.create("t", task)).rejects.toMatchObject({
      kind: "invalid_argument",
      message: `OCI runtime create failed: ${message}: invalid argument`,
    });
  });

  test("a program that its user may not run is refused", async () => {
    const program = `${fixture.dir}/program`;
    writeFileSync(program, "#!/bin/sh\n", { mode: 0o700 });
    await expect(fixture.create("t", hostProcess([program], { user: { uid: 1234, gid: 2345 } }))).rejects.toMatchObject(
      {
        message: expect.stringContaining(`exec: "${program}": permission denied`),
      },
    );
    await fixture.create("t", hostProcess([program]));
  });
});

// As root there is nothing to test: test/integration/rootless.test.ts becomes a user for it.
if (process.geteuid?.() !== 0)
  test("it may not be anybody else", async () => {
    const { uid = 1, gid = 1 } = { uid: process.geteuid?.(), gid: process.getegid?.() };
    await denied({ user: { uid: 0, gid } }, "process.user.uid 0 needs CAP_SETUID");
    await denied({ user: { uid, gid: 0 } }, "process.user.gid 0 needs CAP_SETGID");
    await denied({ user: { uid, gid, additionalGids: [4321] } }, "process.user.additionalGids needs CAP_SETGID");
    await denied({ capabilities: { bounding: ["CAP_KILL"] } }, "process.capabilities needs CAP_SETPCAP");
    expect((await statusOf({ user: { uid, gid } })).get("Uid")).toBe(ids(uid));
  });
