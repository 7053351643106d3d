// What the engine says of containers and execs, as far as tasks need it.
import * as z from "zod";
import type { CallOptions, Engine } from "../../docker/engine.js";
import { engineKind } from "../../docker/engine-kind.js";
import type { ContainerStatus } from "../../engine-driver/words.js";
import { parseEngineTime } from "./engine-times.js";

/** Questions that a listing or a client waits for. */
export const STATE_TIMEOUT_MS = 2_000;
/** Questions that a deed depends on: an engine that starts many containers at a time answers late. */
export const DEED_TIMEOUT_MS = 30_000;

export interface ContainerView {
  readonly status: ContainerStatus;
  /** As the engine's host counts; 0 unless it runs. */
  readonly pid: number;
  readonly exitStatus: number;
  /** Nanoseconds since 1970; undefined unless it has ended. */
  readonly finishedAtNs: bigint | undefined;
  /** Whether its init was killed for want of memory. */
  readonly isOomKilled: boolean;
  /** What the engine says went wrong; "" for nothing. */
  readonly error: string;
}

export interface ExecView {
  readonly isRunning: boolean;
  /** 0 when it never began, and with Podman when it has ended. */
  readonly pid: number;
  /** Undefined before its end; an exec that could not begin has one without a pid. */
  readonly exitStatus: number | undefined;
}

/** The words of Docker and of Podman. */
const STATUSES: Readonly<Record<string, ContainerStatus>> = {
  created: "created",
  configured: "created",
  initialized: "created",
  running: "running",
  restarting: "running",
  stopping: "running",
  paused: "paused",
  exited: "ended",
  stopped: "ended",
  dead: "ended",
  removing: "ended",
};
const BYTE = 0xff;

const containerSchema = z.object({
  State: z.object({
    Status: z.string(),
    Pid: z.number().int().default(0),
    ExitCode: z.number().int().default(0),
    OOMKilled: z.boolean().default(false),
    Error: z.string().default(""),
    FinishedAt: z.string().default(""),
  }),
});

const execSchema = z.object({
  Running: z.boolean(),
  Pid: z.number().int().default(0),
  ExitCode: z.number().int().nullish(),
  CanRemove: z.boolean().default(false),
});

const listSchema = z.array(
  z.object({
    Id: z.string(),
    State: z.string(),
    Labels: z
      .record(z.string(), z.string())
      .nullish()
      .transform((labels) => labels ?? {}),
  }),
);

/** A container in a list. */
export interface ListedContainer {
  readonly containerId: string;
  readonly status: ContainerStatus;
  readonly labels: Readonly<Record<string, string>>;
}

const statusOf = (word: string): ContainerStatus => STATUSES[word] ?? "running";

/** @throws not_found; unavailable, or deadline_exceeded within `timeoutMs`. */
export async function viewContainer(
  engine: Engine,
  containerId: string,
  signal?: AbortSignal,
  timeoutMs: number = STATE_TIMEOUT_MS,
): Promise<ContainerView> {
  const reply = await engine.call(
    `inspect container ${containerId}`,
    (docker, abortSignal) => docker.getContainer(containerId).inspect({ abortSignal }),
    { signal, timeoutMs },
  );
  const { State } = containerSchema.parse(reply);
  const status = statusOf(State.Status);
  return {
    status,
    pid: State.Pid,
    exitStatus: State.ExitCode & BYTE,
    finishedAtNs: status === "ended" ? parseEngineTime(State.FinishedAt) : undefined,
    isOomKilled: State.OOMKilled,
    error: State.Error,
  };
}

/** Bytes of memory and swap together; 0 or -1 for any amount. @throws as `viewContainer`. */
export async function viewSwapLimit(engine: Engine, containerId: string, signal?: AbortSignal): Promise<number> {
  const { HostConfig } = await engine.call(
    `inspect container ${containerId}`,
    (docker, abortSignal) => docker.getContainer(containerId).inspect({ abortSignal }),
    { signal, timeoutMs: STATE_TIMEOUT_MS },
  );
  return HostConfig.MemorySwap ?? 0;
}

/** @throws as `viewContainer`; not_found also for an exec that the engine has forgotten. */
export async function viewExec(engine: Engine, execId: string, signal?: AbortSignal): Promise<ExecView> {
  const reply = await engine.call(
    `inspect exec ${execId}`,
    (docker, abortSignal) => docker.getExec(execId).inspect({ abortSignal }),
    { signal, timeoutMs: STATE_TIMEOUT_MS },
  );
  const { Running, Pid, ExitCode, CanRemove } = execSchema.parse(reply);
  // Podman has a status for one that has not begun, and forgets the pid of one that has ended.
  const isOver = !Running && (CanRemove || (await engineKind(engine)) === "docker");
  const hasEnded = isOver && ExitCode != null;
  return { isRunning: Running, pid: Pid, exitStatus: hasEnded ? ExitCode & BYTE : undefined };
}

/** All containers with these labels, those that do not run included. */
export async function listContainers(
  engine: Engine,
  filters: { label: string[] },
  options?: CallOptions,
): Promise<ListedContainer[]> {
  const reply = await engine.call(
    "list containers",
    (docker, abortSignal) => docker.listContainers({ all: true, filters, abortSignal }),
    options,
  );
  return listSchema
    .parse(reply)
    .map(({ Id, State, Labels }) => ({ containerId: Id, status: statusOf(State), labels: Labels }));
}
