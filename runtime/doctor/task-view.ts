// What the doctor of the host needs to know of tasks and records.
import type { ContainerStore } from "../../api/core/container.js";
import type { Discovery } from "../../api/core/doctor.js";

export interface TaskName {
  readonly namespace: string;
  readonly id: string;
}

export interface TaskView {
  /** Every task there is now, in all namespaces. */
  known(): readonly (TaskName & { readonly bundle: string })[];
  /** Processes that are started under these names are looked after, though no task may have the name. */
  attended(): readonly TaskName[];
  /** Runs `work` if there is no task of this name and none is being made or removed; none comes up before it ends. Else undefined. */
  whileAbsent<T>(name: TaskName, work: () => Promise<T>): Promise<T | undefined>;
  /** What the drivers say of their engines. */
  examine(signal: AbortSignal | undefined): AsyncIterable<Discovery>;
  /** What a runtime lacks to be run, for people; undefined when nothing. */
  lacks(runtime: string): Promise<string | undefined>;
}

export interface HostView {
  /** The daemon's gRPC socket, which its shims carry on their command lines. */
  readonly address: string;
  readonly rootDir: string;
  readonly stateDir: string;
  /** Whether the daemon may do what only root may. */
  readonly isRoot: boolean;
  /** Those that were tried when the daemon started, and why they do not work. */
  readonly unusableSnapshotters: readonly { readonly name: string; readonly problem: string }[];
  readonly tasks: TaskView;
  readonly containers: Pick<ContainerStore, "get" | "stream">;
  /** The namespaces that have a record. */
  readonly namespaces: () => Promise<readonly string[]>;
}

export const keyOf = ({ namespace, id }: TaskName): string => `${namespace}/${id}`;

/** The tasks there are, by namespace and id. */
export const knownKeys = (view: HostView): ReadonlySet<string> => new Set(view.tasks.known().map(keyOf));
