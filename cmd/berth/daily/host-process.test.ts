import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { parseHostProcess, readHostProcess } from "./host-process.js";
import { parseNetwork } from "./network.js";

const STAT =
  "71 (a (b) c) S 70 71 71 0 -1 4194304 99 0 0 0 250 50 7 7 20 0 3 0 6000 3133440 390 18446744073709551615 1 1 0 0";
const STATUS = "Name:\ta\nUid:\t1000\t1001\t0\t0\nNSpid:\t71\t1\nVmRSS:\t    1776 kB\nThreads:\t3\n";

test("a process is read from its three files, whatever its name holds", () => {
  expect(parseHostProcess(71, STAT, STATUS, "sh\0-c\0echo \x1b[31m\0", 1_000_000)).toEqual({
    pid: 71,
    innerPid: 1,
    parentPid: 70,
    uid: 1000,
    state: "S",
    threads: 3,
    cpuNs: 3_000_000_000n,
    residentBytes: 1776 * 1024,
    startedAtMs: 1_060_000,
    command: "sh -c echo \\x1b[31m",
  });
});

test("a process without a command line goes by its name, and one without memory has none", () => {
  expect(parseHostProcess(71, STAT, "Uid:\t0\t0\t0\t0\n", "", 0)).toMatchObject({
    command: "[a (b) c]",
    residentBytes: 0,
    innerPid: 71,
  });
  expect(parseHostProcess(71, "nonsense", STATUS, "", 0)).toBeUndefined();
});

test("a process of this host, alive and gone", async () => {
  const startedMs = Date.now();
  const child = spawn("/bin/sh", ["-c", "read line"], { stdio: ["pipe", "ignore", "ignore"] });
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  const found = await readHostProcess(pid);
  expect(found).toMatchObject({ pid, parentPid: process.pid, uid: process.getuid?.(), threads: 1 });
  expect(Math.abs((found?.startedAtMs ?? 0) - startedMs)).toBeLessThan(60_000);
  child.stdin.end();
  await once(child, "exit");
  expect(await readHostProcess(pid)).toBeUndefined();
});

test("what a network has carried is the sum of its interfaces but the loopback", () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 37839499815 1371737    0    0    0     0          0         0 37839499815 1371737    0    0    0     0       0          0
  eth0: 10988802169  327523    0    0    0     0          0         0 27831339  238391    0    0    0     0       0          0
  eth1:1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0
`;
  expect(parseNetwork(text)).toEqual({ receivedBytes: 10988802170n, sentBytes: 27831341n });
  expect(parseNetwork("")).toEqual({ receivedBytes: 0n, sentBytes: 0n });
});
