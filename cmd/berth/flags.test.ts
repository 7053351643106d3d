import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ContainerdError, notFound } from "../../api/core/errors.js";
import { exitStatus, UsageError } from "./exit-status.js";
import {
  parseDuration,
  parseInteger,
  parseLabels,
  parsePairs,
  parsePositive,
  parseSize,
  readEnvFile,
} from "./flags.js";
import { parseMount } from "./mount-flag.js";
import { parseSignal } from "./signals.js";

test.each([
  ["0", 0],
  ["30s", 30_000],
  ["1h30m", 5_400_000],
  ["24h0m0s", 86_400_000],
  ["1.5s", 1500],
  ["250ms", 250],
])("duration %s", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "5", "s", "-1s", "1d", "1s x"])("duration %j is refused", (text) => {
  expect(() => parseDuration(text)).toThrow("not a duration");
});

test.each([
  ["1000", 1000],
  ["64m", 67_108_864],
  ["64MiB", 67_108_864],
  ["1.5G", 1_610_612_736],
  ["2kb", 2048],
  ["7b", 7],
])("size %s", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(["", "m", "-1", "1x", "1 2"])("size %j is refused", (text) => {
  expect(() => parseSize(text)).toThrow("not a size");
});

test("numbers", () => {
  expect(parseInteger("-1")).toBe(-1);
  expect(() => parseInteger("1.5")).toThrow();
  expect(() => parseInteger("99999999999999999999")).toThrow();
  expect(parsePositive("0.5")).toBe(0.5);
  expect(() => parsePositive("-1")).toThrow();
  expect(() => parsePositive("")).toThrow();
});

test("labels", () => {
  expect(parseLabels(["a=b=c", "d", "e=", "a=f"])).toEqual({ a: "f", d: "true", e: "" });
  expect(Object.keys(parseLabels(["__proto__=x"]))).toEqual(["__proto__"]);
  expect(() => parsePairs("label", ["x"])).toThrow('label "x" is not key=value');
  expect(() => parsePairs("label", ["=x"])).toThrow('label "=x" is not key=value');
});

test("mounts", () => {
  expect(parseMount("type=bind,src=/tmp,dst=/host,options=rbind:ro")).toEqual({
    ...{ type: "bind", source: "/tmp", destination: "/host", options: ["rbind", "ro"] },
  });
  expect(parseMount('type=bind,"source=/a,b",destination=/c')).toMatchObject({ source: "/a,b", destination: "/c" });
  expect(parseMount('"src=a ""b"", c",dst=/d,"options=x,y:z"')).toMatchObject({
    source: 'a "b", c',
    destination: "/d",
    options: ["x,y", "z"],
  });
  for (const text of ['type=bind,"src=/a,dst=/b', 'type=bi"nd,dst=/b', '"src=/a"x,dst=/b'])
    expect(() => parseMount(text)).toThrow("a quote at the wrong place");
  for (const text of ["type=bind,,dst=/b", "dst=/b,", ""]) expect(() => parseMount(text)).toThrow("expected key=value");
  expect(() => parseMount("type=bind,src=/a,dest=/b")).toThrow('mount option "dest" is not supported');
  expect(() => parseMount("type=bind,src=/tmp")).toThrow("dst is missing");
  expect(() => parseMount("bind")).toThrow("expected key=value");
  expect(() => parseMount("dst=/x,foo=bar")).toThrow('mount option "foo" is not supported');
});

test.each([
  ["9", 9],
  ["SIGTERM", 15],
  ["term", 15],
  ["SIGRTMIN+3", 37],
  ["rtmax-1", 63],
  ["0", 0],
])("signal %s", (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

test.each(["", "FOO", "65", "SIGRTMAX+1", "-9"])("signal %j is refused", (text) => {
  expect(() => parseSignal(text)).toThrow(UsageError);
});

test("environment files", async () => {
  const dir = mkdtempSync(join(tmpdir(), "bt-"));
  writeFileSync(join(dir, "env"), "# comment\nA=b\r\n\n  C= d \n#x\nE\n");
  expect(await readEnvFile(join(dir, "env"))).toEqual(["A=b", "C= d ", "E"]);
  await expect(readEnvFile(join(dir, "none"))).rejects.toThrow("cannot be read: ENOENT");
  rmSync(dir, { recursive: true });
});

test("the exit status tells the class", () => {
  expect(exitStatus(notFound("x"))).toBe(3);
  expect(exitStatus(new UsageError("x"))).toBe(2);
  expect(exitStatus(new ContainerdError("deadline_exceeded", "x"))).toBe(124);
  expect(exitStatus(new Error("x"))).toBe(1);
});
