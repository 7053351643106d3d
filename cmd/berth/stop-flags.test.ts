import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import type { Container } from "../../api/core/container.js";
import { notFound } from "../../api/core/errors.js";
import type { Labels } from "../../api/core/labels.js";
import { UsageError } from "./exit-status.js";
import { parseGrace, stopOptionsOf } from "./stop-flags.js";

test.each([
  ["10", 10_000],
  ["0", 0],
  ["1m30s", 90_000],
  ["500ms", 500],
  ["-1", Number.POSITIVE_INFINITY],
])("--time %s is %d ms", (text, want) => {
  expect(parseGrace(text)).toBe(want);
});

test.each(["", "soon", "-1s", "1.5.2s"])("--time %j is refused", (text) => {
  expect(() => parseGrace(text)).toThrow(InvalidArgumentError);
});

const container = (labels: Labels, runtime = "io.containerd.runc.v2"): Container => ({
  ...{ id: "c", labels, image: "", runtime: { name: runtime }, spec: { typeUrl: "", value: Buffer.alloc(0) } },
  ...{ snapshotter: "", snapshotKey: "", extensions: {}, sandbox: "", createdAtNs: 0n, updatedAtNs: 0n },
});
const labels = { "io.containerd.image.config.stop-signal": "SIGQUIT" };

test.each<[flag: string | undefined, of: Container, want: number]>([
  ["int", container(labels), 2],
  [undefined, container(labels), 3],
  [undefined, container({}), 15],
  // No such task: there is nothing to be asked.
  [undefined, container({}, "io.berth.lxd.v1"), 15],
])("the signal is the one that was asked for (%s), else the image's, else SIGTERM", async (signal, of, want) => {
  const tasks = { get: () => Promise.reject(notFound("task c")) };
  const flags = { time: 5, ...(signal !== undefined && { signal }) };
  const options = await stopOptionsOf({ client: { tasks }, request: { namespace: "n" } }, flags, of);
  expect(options).toEqual({ signal: want, graceMs: 5 });
});

test("a signal that nobody knows is refused", async () => {
  const tasks = { get: () => Promise.reject(notFound("task c")) };
  const asked = stopOptionsOf({ client: { tasks }, request: {} }, { time: 5, signal: "nonsense" }, container({}));
  await expect(asked).rejects.toThrow(UsageError);
});
