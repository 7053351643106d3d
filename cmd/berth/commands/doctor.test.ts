import { expect, test } from "vitest";
import type { Finding } from "../../../api/core/doctor.js";
import { alikeTogether } from "./doctor.js";

const note = (subject: string, more: Partial<Finding> = {}): Finding => ({
  kind: "pipes-without-user",
  namespace: "",
  subject,
  detail: "nobody has them open",
  isProblem: false,
  repairable: false,
  repaired: false,
  ...more,
});

test("many notes that say the same are one, in the place of the first", () => {
  const other = note("/x", { kind: "disk-low" });
  const findings = [note("/a"), other, note("/b"), note("/c"), note("/d")];
  expect(alikeTogether(findings).map(({ subject }) => subject)).toEqual(["/a and 3 more", "/x"]);
});

test.each([
  ["few notes", {}, 3],
  ["problems", { isProblem: true }, 5],
  ["what can be mended", { repairable: true }, 5],
])("%s stay apart", (_what, more, count) => {
  const findings = Array.from({ length: count }, (_, index) => note(`/${index}`, more));
  expect(alikeTogether(findings)).toEqual(findings);
});
