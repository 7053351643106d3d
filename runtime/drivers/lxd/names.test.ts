import { describe, expect, test } from "vitest";
import { distinctName, instanceName, marksOf, taskOfMarks } from "./names.js";

const LXD_NAME = /^[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

describe("names of instances", () => {
  test("tell namespace and task where LXD takes them", () => {
    expect(instanceName("default", "web-1")).toBe("berth-default-web-1");
  });

  test.each([
    ["default", "web_1"],
    ["default", "Web"],
    ["default", "web.1"],
    ["default", "x".repeat(76)],
    ["a-b", "c"],
    ["default", "web-"],
  ])("%s/%s is mended", (namespace, id) => {
    expect(instanceName(namespace, id)).toMatch(LXD_NAME);
  });

  test("differ for different tasks", () => {
    const tasks = [["a-b", "c"] as const, ["a", "b-c"] as const, ["a", "b_c"] as const, ["a", "b.c"] as const];
    expect(new Set(tasks.map(([namespace, id]) => instanceName(namespace, id))).size).toBe(tasks.length);
    expect(distinctName("a", "b", "one")).not.toBe(distinctName("a", "b", "two"));
  });
});

test("marks tell whose an instance is", () => {
  const task = { namespace: "n", id: "i" };
  const config = { ...marksOf({ owner: "me", ...task }), "limits.cpu": "1" };
  expect(taskOfMarks({ config }, "me")).toEqual(task);
  expect(taskOfMarks({ config }, "you")).toBeUndefined();
  expect(taskOfMarks({ config: {} }, "me")).toBeUndefined();
});
