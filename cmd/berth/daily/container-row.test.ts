import { expect, test } from "vitest";
import type { Container } from "../../../api/core/container.js";
import type { ProcessState, TaskStatus } from "../../../api/core/task.js";
import { type ContainerRow, containerListing, containerRow, type LastExit, statusText } from "./container-row.js";

const NOW = 1_800_000_000_000;
const ns = (ms: number): bigint => BigInt(ms) * 1_000_000n;
const HOUR = 3_600_000;

const container: Container = {
  id: "web",
  labels: { tier: "one" },
  image: "",
  runtime: { name: "io.containerd.runc.v2" },
  spec: { typeUrl: "", value: Buffer.from("{}") },
  ...{ snapshotter: "", snapshotKey: "", extensions: {}, sandbox: "" },
  createdAtNs: ns(NOW - 3 * HOUR),
  updatedAtNs: ns(NOW),
};
const task = (status: TaskStatus, more: Partial<ProcessState> = {}): ProcessState => ({
  ...{ containerId: "web", execId: "", pid: 7, status, stdin: "", stdout: "", stderr: "", terminal: false },
  ...{ exitStatus: 0, exitedAtNs: undefined },
  ...more,
});
const exit = (more: Partial<LastExit> = {}): LastExit => ({
  ...{ exitStatus: 1, exitedAtNs: ns(NOW - 2 * HOUR), isOutOfMemory: false, attempt: 4 },
  ...more,
});

test.each<[name: string, row: ContainerRow, state: string, text: string]>([
  ["running", containerRow(container, task("running"), undefined, true, NOW - 300_000), "running", "Up 5 minutes"],
  ["elsewhere", containerRow(container, task("running"), undefined, false), "running", "Up"],
  ["frozen", containerRow(container, task("paused"), undefined, true, NOW - 5_000), "paused", "Up 5 seconds (Paused)"],
  ["about to be", containerRow(container, task("created"), undefined, true, NOW - 5_000), "created", "Created"],
  [
    "stopped, and still there",
    containerRow(container, task("stopped", { exitStatus: 137, exitedAtNs: ns(NOW - 2 * HOUR) }), undefined, false),
    "exited",
    "Exited (137) 2 hours ago",
  ],
  [
    "stopped, with the reason",
    containerRow(
      container,
      task("stopped", { exitStatus: 137, exitedAtNs: ns(NOW - 2 * HOUR) }),
      exit({ exitStatus: 137, isOutOfMemory: true }),
      true,
    ),
    "exited",
    "Exited (137, out of memory) 2 hours ago",
  ],
  [
    "stopped again, with the reason of the time before",
    containerRow(container, task("stopped", { exitStatus: 0, exitedAtNs: ns(NOW - 60_000) }), exit(), true),
    "exited",
    "Exited (0) About a minute ago",
  ],
  ["gone and remembered", containerRow(container, undefined, exit(), true), "exited", "Exited (1) 2 hours ago"],
  [
    "gone, and nobody could tell",
    containerRow(container, undefined, exit({ exitStatus: undefined }), true),
    "exited",
    "Exited (unknown) 2 hours ago",
  ],
  ["never run", containerRow(container, undefined, undefined, true), "created", "Created"],
  ["without a memory", containerRow(container, undefined, undefined, false), "absent", "Not running"],
])("a container that is %s", (_, row, state, text) => {
  expect(row.state).toBe(state);
  expect(statusText(row, NOW)).toBe(text);
});

test("a row without a value has a dash, and JSON has no member", () => {
  const row = containerRow(container, undefined, undefined, false);
  const cells = Object.fromEntries(containerListing.columns.map(({ title, text }) => [title, text(row)]));
  expect(cells).toMatchObject({ CONTAINER: "web", IMAGE: "-", PID: "-", ATTEMPT: "-", LABELS: "tier=one" });
  expect(containerListing.json(row)).toMatchObject({ id: "web", state: "absent", pid: 0, exitStatus: undefined });
});
