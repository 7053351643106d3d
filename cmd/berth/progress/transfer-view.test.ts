import { expect, test } from "vitest";
import { TransferView } from "./transfer-view.js";

const WINDOW = { columns: 140, rows: 24 };
const LAYER = `layer-sha256:${"a".repeat(64)}`;

test("a row says how far an object is, how fast it comes and how long it will take", () => {
  const view = new TransferView(0);
  view.take({ name: LAYER, status: "waiting", totalBytes: 4096 }, 0);
  view.take({ name: LAYER, status: "downloading", doneBytes: 0, totalBytes: 4096 }, 1000);
  view.take({ name: LAYER, status: "downloading", doneBytes: 1024, totalBytes: 4096 }, 2000);
  const [row = "", sum] = view.lines(2000, WINDOW);
  expect(row).toMatch(/^layer-sha256:aaaaaaaa: downloading \|\+{10}-{30}\| 1\.0 KiB\/4\.0 KiB 1\.0 KiB\/s 3s left$/);
  expect(sum).toBe("elapsed: 2.0 s  total: 1.0 KiB  (512.0 B/s)");
});

test("bytes that were there before do not count as speed", () => {
  const view = new TransferView(0);
  view.take({ name: LAYER, status: "downloading", doneBytes: 3072, totalBytes: 4096 }, 0);
  view.take({ name: LAYER, status: "downloading", doneBytes: 3584, totalBytes: 4096 }, 1000);
  expect(view.lines(1000, WINDOW)[0]).toContain("3.5 KiB/4.0 KiB 512.0 B/s 1s left");
  view.take({ name: LAYER, status: "done", doneBytes: 4096, totalBytes: 4096 }, 2000);
  expect(view.sum(2000)).toBe("elapsed: 2.0 s  total: 1.0 KiB  (512.0 B/s)");
  expect(view.line(LAYER)).toBe(`${LAYER}: done  4.0 KiB`);
});

test("only a change of status is news for a log", () => {
  const view = new TransferView(0);
  expect(view.take({ name: "a", status: "downloading", doneBytes: 1 }, 0)).toBe(true);
  expect(view.take({ name: "a", status: "downloading", doneBytes: 2 }, 0)).toBe(false);
  expect(view.take({ name: "a", status: "done" }, 0)).toBe(true);
});

test("no line is wider and no block taller than the window", () => {
  const view = new TransferView(0);
  for (let at = 0; at < 50; at += 1) {
    const status = at < 45 ? "done" : "downloading";
    view.take({ name: `layer-sha256:${String(at).padStart(64, "0")}`, status, doneBytes: 1, totalBytes: 2 ** 40 }, 0);
  }
  const lines = view.lines(3_600_000, { columns: 60, rows: 10 });
  expect(lines).toHaveLength(7);
  expect(lines.filter((line) => line.includes("downloading"))).toHaveLength(5);
  expect(lines.at(-2)).toBe("and 45 more");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(60);
});

test.each([
  [1, 60, "2m00s left"],
  [1, 3600, "2h00m left"],
])("%i of three parts after %i seconds", (parts, seconds, left) => {
  const view = new TransferView(0);
  view.take({ name: "a", status: "downloading", doneBytes: 0, totalBytes: 3 }, 0);
  view.take({ name: "a", status: "downloading", doneBytes: parts, totalBytes: 3 }, 0);
  expect(view.lines(seconds * 1000, WINDOW)[0]).toContain(left);
});
