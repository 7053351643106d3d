import { expect, test } from "vitest";
import { parseFilters } from "../../../api/core/filters/index.js";
import { UsageError } from "../exit-status.js";
import { parseContainerFilters } from "./container-filter.js";

test.each<[texts: string[], filters: string[]]>([
  [[], []],
  [["id==web"], ["id==web"]],
  [["labels.tier==one,id~=^w", "image!=x"], ["labels.tier==one,id~=^w,image!=x"]],
  [["name=w.b", "runtime=io.berth.process.v1"], ['id~="w\\\\.b",runtime.name=="io.berth.process.v1"']],
  [["image=busybox"], ['image~="busybox"']],
  [["label=a.b/c"], ['labels."a.b/c"']],
  [["label=a.b/c=d=e"], ['labels."a.b/c"=="d=e"']],
])("%j means %j", (texts, filters) => {
  const parsed = parseContainerFilters(texts);
  expect(parsed).toEqual({ filters, states: undefined });
  expect(() => parseFilters(parsed.filters)).not.toThrow();
});

test("of states one is enough, by either name", () => {
  const { filters, states } = parseContainerFilters(["status=running", "state=stopped", "name=a"]);
  expect(filters).toEqual(['id~="a"']);
  expect(states).toEqual(new Set(["running", "exited"]));
});

test.each(["status=sleeping", "tier=one", "label=", "name", "label"])("%s is refused", (text) => {
  expect(() => parseContainerFilters([text])).toThrow(UsageError);
});
