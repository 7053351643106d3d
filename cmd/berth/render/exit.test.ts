import { expect, test } from "vitest";
import { whyItEnded } from "./exit.js";

const UNREMARKABLE = { exitStatus: 0, signal: undefined, isOutOfMemory: false, requested: undefined, message: "" };
const asked = (signal: number, more = {}) => ({
  requested: { timeNs: 0n, signal, pid: 12, uid: 0, gid: 0, by: "berth stop", ...more },
});

test.each<[string, Partial<Parameters<typeof whyItEnded>[0]>]>([
  ["exit 0", {}],
  ["exit 1", { exitStatus: 1 }],
  ["exit 137 (SIGKILL?)", { exitStatus: 137 }],
  ["exit 255", { exitStatus: 255 }],
  ["SIGKILL by uid 0 (berth stop, pid 12)", { exitStatus: 137, signal: 9, ...asked(9) }],
  ["exit 0 after SIGTERM by uid 0 (berth stop, pid 12)", { ...asked(15) }],
  ["SIGTERM by uid 7 (pid 12)", { exitStatus: 143, signal: 15, ...asked(15, { uid: 7, by: "" }) }],
  ["SIGKILL by berthd", { exitStatus: 137, signal: 9, ...asked(9, { pid: 0, by: "berthd" }) }],
  ["SIGSEGV", { exitStatus: 139, signal: 11 }],
  ["out of memory", { exitStatus: 137, signal: 9, isOutOfMemory: true }],
  ["exit 2, some of it killed for want of memory", { exitStatus: 2, isOutOfMemory: true }],
  ["unknown: shim disconnected", { exitStatus: undefined, message: "shim disconnected" }],
  ["exit 4: it ended while no daemon was running", { exitStatus: 4, message: "it ended while no daemon was running" }],
])("%s", (words, more) => {
  expect(whyItEnded({ ...UNREMARKABLE, ...more })).toBe(words);
});
