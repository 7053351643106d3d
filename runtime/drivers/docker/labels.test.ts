import { expect, test } from "vitest";
import { parseEngineTime } from "./engine-times.js";
import { containerName, distinctName, labelsOf, taskOfLabels } from "./labels.js";

const DOCKER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const LONG = "a".repeat(76);

test("a name says namespace and id, and is one that Docker takes, however long they are", () => {
  expect(containerName("default", "web")).toBe("berth-default-web");
  const [first, second] = [containerName(LONG, LONG), containerName(LONG, `${LONG.slice(1)}b`)];
  for (const name of [first, second]) expect(name).toMatch(DOCKER_NAME);
  expect(first).not.toBe(second);
  expect(first.length).toBeLessThanOrEqual(120);
});

test("two tasks whose names look alike have distinct ones to fall back on", () => {
  expect(containerName("a-b", "c")).toBe(containerName("a", "b-c"));
  expect(distinctName("a-b", "c", "o")).not.toBe(distinctName("a", "b-c", "o"));
  expect(distinctName("a", "b", "o")).not.toBe(distinctName("a", "b", "p"));
  expect(distinctName(LONG, LONG, "o")).toMatch(DOCKER_NAME);
});

test("a container is ours by its labels alone", () => {
  const labels = labelsOf({ owner: "me", namespace: "n", id: "i" });
  expect(taskOfLabels({ ...labels, other: "x" }, "me")).toEqual({ namespace: "n", id: "i" });
  expect(taskOfLabels(labels, "you")).toBeUndefined();
  expect(taskOfLabels({}, "me")).toBeUndefined();
  expect(taskOfLabels({ "io.berth.owner": "me" }, "me")).toBeUndefined();
});

test.each([
  ["2026-11-22T11:05:30.047661193Z", 1_795_345_530_047_661_193n],
  ["2026-11-22T12:05:30+01:00", 1_795_345_530_000_000_000n],
  ["2026-11-22T11:05:30.5Z", 1_795_345_530_500_000_000n],
  ["0001-01-01T00:00:00Z", undefined],
  ["", undefined],
  ["yesterday", undefined],
])("an engine's time %j", (text, want) => {
  expect(parseEngineTime(text)).toBe(want);
});
