import { expect, test } from "vitest";
import { instanceName } from "./instance-name.js";

test.each([
  ["default", "web", /^berth-default-web$/],
  ["default", "web-1", /^berth-default-web-1$/],
  ["k8s.io", "Web_1", /^berth-k8s-io-web-1-[0-9a-f]{12}$/],
  ["default", "web-", /^berth-default-web--[0-9a-f]{12}$/],
  ["n".repeat(76), "i", /^berth-n{44}-[0-9a-f]{12}$/],
])("%s, %s", (namespace, id, name) => {
  expect(instanceName(namespace, id)).toMatch(name);
  expect(instanceName(namespace, id).length).toBeLessThanOrEqual(63);
});

test("no two tasks share a name", () => {
  const tasks = [
    ["a", "b-c"],
    ["a-b", "c"],
    ["a.b", "c"],
    ["a_b", "c"],
    ["A-b", "c"],
  ] as const;
  expect(new Set(tasks.map(([namespace, id]) => instanceName(namespace, id))).size).toBe(tasks.length);
});
