// A container as people ask after it: its record, its task, how that ended, in one row with one word for its state.
import type { Container } from "../../../api/core/container.js";
import type { ExitRecord } from "../../../api/core/exit-record.js";
import type { ProcessState } from "../../../api/core/task.js";
import { formatTime } from "../../../api/core/time.js";
import type { Listing } from "../output.js";
import { renderAge } from "../render/age.js";
import { type ColourName, stateColour } from "../render/colour.js";
import { renderLabels } from "../render/labels.js";

/** How the last task of a container ended. */
export type LastExit = Pick<ExitRecord, "exitStatus" | "exitedAtNs" | "isOutOfMemory"> &
  Partial<Pick<ExitRecord, "attempt">>;

/** `created`: no task has run. `exited`: one has, and none does. `absent`: there is no task, and nobody knows more. */
export type ContainerState = "running" | "paused" | "pausing" | "created" | "exited" | "absent" | "unknown";
export const CONTAINER_STATES: readonly ContainerState[] = [
  ...(["running", "paused", "pausing", "created", "exited", "absent", "unknown"] as const),
];

export interface ContainerRow {
  readonly container: Container;
  readonly state: ContainerState;
  /** 0 without a task. */
  readonly pid: number;
  /** When its process was started, milliseconds since 1970; undefined where it does not run or this host does not show it. */
  readonly startedAtMs: number | undefined;
  /** Of the task that there was last, when it has ended. */
  readonly exit: LastExit | undefined;
}

/**
 * @param exit what the daemon remembers; undefined when it remembers nothing of this container.
 * @param remembers whether it is a daemon that would.
 */
export function containerRow(
  container: Container,
  task: ProcessState | undefined,
  exit: LastExit | undefined,
  remembers: boolean,
  startedAtMs?: number,
): ContainerRow {
  const pid = task?.pid ?? 0;
  if (task === undefined) {
    const state = exit !== undefined ? "exited" : remembers ? "created" : "absent";
    return { container, state, pid, startedAtMs: undefined, exit };
  }
  if (task.status === "stopped") {
    const { exitStatus, exitedAtNs } = task;
    // Of the same end the daemon may know more: that nobody could tell, or why.
    const isSame = exit?.exitedAtNs === exitedAtNs;
    const known = isSame && exit !== undefined ? exit : { exitStatus, exitedAtNs, isOutOfMemory: false };
    return { container, state: "exited", pid: 0, startedAtMs: undefined, exit: known };
  }
  const { status } = task;
  return {
    container,
    state: status,
    pid,
    startedAtMs: status === "created" ? undefined : startedAtMs,
    exit: undefined,
  };
}

/** `Up 5 minutes`, `Exited (137) 2 hours ago`, `Created`. */
export function statusText({ state, startedAtMs, exit }: ContainerRow, nowMs = Date.now()): string {
  const up = startedAtMs === undefined ? "Up" : `Up ${renderAge(nowMs - startedAtMs)}`;
  switch (state) {
    case "running":
      return up;
    case "paused":
      return `${up} (Paused)`;
    case "pausing":
      return `${up} (Pausing)`;
    case "created":
      return "Created";
    case "exited": {
      const since = exit?.exitedAtNs === undefined ? "" : ` ${renderAge(nowMs - toMs(exit.exitedAtNs))} ago`;
      const memory = exit?.isOutOfMemory === true ? ", out of memory" : "";
      return `Exited (${exit?.exitStatus ?? "unknown"}${memory})${since}`;
    }
    case "absent":
      return "Not running";
    case "unknown":
      return "Unknown";
  }
}

const toMs = (timeNs: bigint): number => Number(timeNs / 1_000_000n);

function colourOf({ state, exit }: ContainerRow): ColourName | undefined {
  if (state === "exited") return exit?.exitStatus === 0 ? "dim" : "red";
  return stateColour(state === "absent" ? "stopped" : state);
}

const time = (timeNs: bigint | undefined): string | undefined =>
  timeNs === undefined ? undefined : formatTime(timeNs);

export const containerListing: Listing<ContainerRow> = {
  style: { gap: 3, lastColumn: "bare" },
  id: ({ container }) => container.id,
  columns: [
    { title: "CONTAINER", text: ({ container }) => container.id },
    { title: "IMAGE", text: ({ container }) => container.image || "-" },
    { title: "STATUS", text: (row) => statusText(row), colour: colourOf },
    { title: "PID", text: ({ pid }) => (pid === 0 ? "-" : String(pid)) },
    { title: "RUNTIME", text: ({ container }) => container.runtime.name },
    { title: "CREATED", text: ({ container }) => `${renderAge(Date.now() - toMs(container.createdAtNs))} ago` },
    { title: "ATTEMPT", wide: true, text: ({ exit }) => (exit?.attempt === undefined ? "-" : String(exit.attempt)) },
    { title: "LABELS", wide: true, text: ({ container }) => renderLabels(container.labels) || "-" },
  ],
  fields: ["startedAt", "exitStatus", "exitedAt", "outOfMemory", "attempt"],
  json: (row) => {
    const { container, state, pid, startedAtMs, exit } = row;
    return {
      id: container.id,
      image: container.image,
      state,
      status: statusText(row),
      pid,
      runtime: container.runtime.name,
      startedAt: startedAtMs === undefined ? undefined : time(BigInt(Math.round(startedAtMs)) * 1_000_000n),
      exitStatus: exit?.exitStatus,
      exitedAt: time(exit?.exitedAtNs),
      outOfMemory: exit?.isOutOfMemory,
      attempt: exit?.attempt,
      createdAt: time(container.createdAtNs),
      updatedAt: time(container.updatedAtNs),
      labels: container.labels,
    };
  },
};
