import fc from "fast-check";
import { expect, test } from "vitest";
import { isIdentifier } from "../../api/core/identifiers.js";
import { recordId } from "./container-record.js";

test.each([
  ["web", "web"],
  ["my_container-1.2", "my_container-1.2"],
  ["two__lines", "ctr-0eba64e1e321"],
])("%s is %s in the store", (name, id) => {
  expect(recordId(name)).toBe(id);
});

test("whatever Docker takes for a name has an id", () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,120}$/);
  fc.assert(fc.property(name, (text) => isIdentifier(recordId(text))));
});
