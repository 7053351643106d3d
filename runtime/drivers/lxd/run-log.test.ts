import { expect, test } from "vitest";
import { parseRunLog, parseStartFault } from "./run-log.js";

const at = (text: string): string => `lxc web 20261122141618.360 INFO     start - ../src/lxc/start.c:f:1 - ${text}\n`;
const STARTED = at('Started "/sbin/init" with pid "4196"');

test.each([
  ["nothing", "", undefined],
  ["one that runs, or ended without a fault", STARTED, { pid: 4196, exitCode: undefined, signal: undefined }],
  ["an exit code", STARTED + at("Child <4196> ended on error (7)"), { pid: 4196, exitCode: 7, signal: undefined }],
  ["a signal", STARTED + at("Child <4196> ended on signal Killed(9)"), { pid: 4196, exitCode: undefined, signal: 9 }],
  [
    "a signal of two words",
    STARTED + at("Child <4196> ended on signal Segmentation fault(11)"),
    { pid: 4196, exitCode: undefined, signal: 11 },
  ],
  [
    "somebody else's end",
    STARTED + at("Child <4197> ended on error (7)"),
    { pid: 4196, exitCode: undefined, signal: undefined },
  ],
  [
    "the second run in one log",
    STARTED + at("Child <4196> ended on error (7)") + at('Started "/sbin/init" with pid "5000"'),
    { pid: 5000, exitCode: undefined, signal: undefined },
  ],
])("%s", (_, text, run) => {
  expect(parseRunLog(text)).toEqual(run);
});

test("why a start failed", () => {
  const fault = 'No such file or directory - Failed to exec "/no/such/program"';
  const line = (text: string): string => at(text).replace("INFO    ", "ERROR   ");
  expect(parseStartFault(at("well") + line(fault) + line("An error occurred in another process"))).toBe(fault);
  expect(parseStartFault(STARTED)).toBe("");
});
