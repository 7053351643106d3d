import { expect, test } from "vitest";
import { renderJson } from "./json.js";
import { renderLabels } from "./labels.js";
import { protoFields } from "./proto-fields.js";
import { renderTable } from "./table.js";
import { goTime, shortTime } from "./time.js";

test("a table as ctr tasks ls prints it", () => {
  const rows = [
    ["TASK", "PID", "STATUS"],
    ["c1", "8457", "RUNNING"],
  ];
  expect(renderTable(rows)).toBe("TASK    PID     STATUS    \nc1      8457    RUNNING\n");
});

test("a table as ctr namespaces ls prints it", () => {
  const rows = [
    ["NAME", "LABELS"],
    ["bt-e1", ""],
    ["bt-e2", "a=b"],
  ];
  expect(renderTable(rows, { gap: 1, lastColumn: "padded" })).toBe("NAME  LABELS \nbt-e1        \nbt-e2 a=b    \n");
});

test("a table as ctr tasks ps prints it", () => {
  const rows = [
    ["PID", "INFO"],
    ["8457", "-"],
  ];
  expect(renderTable(rows, { lastColumn: "bare" })).toBe("PID     INFO\n8457    -\n");
});

test("JSON keeps integers of 64 bits", () => {
  const value = { big: 9223372036854771712n, none: undefined, list: [1, "a"], bytes: Buffer.from("hi"), empty: {} };
  expect(renderJson(value, 0)).toBe('{"big":9223372036854771712,"list":[1,"a"],"bytes":"aGk=","empty":{}}');
  expect(renderJson({ a: [], b: { c: null } }, 2)).toBe('{\n  "a": [],\n  "b": {\n    "c": null\n  }\n}');
  expect(renderJson(new Map([["__proto__", 1]]), 0)).toBe('{"__proto__":1}');
});

test("times", () => {
  expect(goTime(1_795_307_822_941_633_800n)).toBe("2026-11-22 00:37:02.9416338 +0000 UTC");
  expect(goTime(undefined)).toBe("0001-01-01 00:00:00 +0000 UTC");
  expect(shortTime(1_795_307_823_999_999_999n)).toBe("2026-11-22T00:37:03Z");
});

test("labels are in the order of their keys", () => {
  expect(renderLabels({ b: "1", a: "", B: "2" })).toBe("B=2,a=,b=1");
});

test("messages by their proto names, without what is unset", () => {
  const message = {
    hierarchicalLimit: 1n,
    rss: 0n,
    kernelTcp: { limit: 2n },
    throttling: {},
    perCpu: [1n],
    _unknownFields: {},
  };
  expect(renderJson(protoFields(message), 0)).toBe(
    '{"hierarchical_limit":1,"kernel_tcp":{"limit":2},"throttling":{},"per_cpu":[1]}',
  );
});
