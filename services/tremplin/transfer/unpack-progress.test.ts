// LXD's words for how far an image is unpacked.
import { expect, test } from "vitest";
import { unpackProgress } from "./unpack-progress.js";

test.each([
  ["as it comes", { progress: { percent: "45", speed: "26620059", stage: "x" } }, { percent: 45, speed: 26_620_059n }],
  ["of something else", { container_progress: "" }, undefined],
  ["of nothing", null, undefined],
  ["beyond the end", { progress: { percent: "101", speed: "1" } }, undefined],
  ["in other words", { progress: { percent: "half", speed: "fast" } }, undefined],
])("%s", (_, metadata, progress) => {
  expect(unpackProgress({ metadata })).toEqual(progress);
});
