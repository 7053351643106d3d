// The plug: what a runtime driver is to the task manager. A driver knows how to make tasks and talk to them; which tasks
// exist, who may do what when, and what the ledger hears is the task manager's business.
import type { Discovery } from "../api/core/doctor.js";
import type { ExitDetails } from "../api/core/exit-record.js";
import type { Logger } from "../api/core/log.js";
import type {
  CreateTaskOptions,
  ExecOptions,
  ProcessExit,
  ProcessInfo,
  ProcessState,
  TaskMetrics,
} from "../api/core/task.js";
import type { TaskLedger } from "../api/core/task-ledger.js";
import type { Clock } from "../api/core/time.js";
import type { Any } from "../api/core/typeurl.js";

/** A driver as the list in drivers/index.ts names it. The first whose `matches` says yes takes the runtime. */
export interface DriverDefinition {
  readonly name: string;
  /** `runtime` is `container.runtime.name` or the request's `runtime_path`. */
  matches(runtime: string): boolean;
  /** Called once by each task manager, which disposes the driver. */
  create(deps: DriverDeps): RuntimeDriver;
}

/** What a driver is handed for its life. Nothing of it is the driver's to close. */
export interface DriverDeps {
  /** Persistent folder, absolute. */
  readonly rootDir: string;
  /** Volatile folder (gone after a reboot), absolute. */
  readonly stateDir: string;
  /** The daemon's gRPC socket; its ttrpc twin for shims' events; the program that understands `publish`. */
  readonly address: string;
  readonly ttrpcAddress: string;
  readonly publishBinary: string;
  /** Whether shims are to log at debug level. */
  readonly debug: boolean;
  /** How many shims are kept started ahead of need for each namespace in use. Default: none. */
  readonly warmShims?: number;
  /** Of the Docker engine: `unix:///path` or `tcp://host:port`. Default: DOCKER_HOST, else the usual socket. */
  readonly dockerHost?: string | undefined;
  /** Of LXD, an absolute path. Default: that of the folder LXD_DIR, else of /var/lib/lxd. */
  readonly lxdSocket?: string | undefined;
  /** For drivers whose engine keeps images of its own. Default: there are none, and nobody to log in as. */
  readonly images?: DriverImages | undefined;
  /** For drivers that tell events themselves; see `DriverTask.reportsEvents`. */
  readonly ledger: TaskLedger;
  readonly log: Logger;
  readonly clock: Clock;
  /** Called once when a task vanished without `delete` (its shim died) and what was left of it has been cleaned up. */
  readonly onTaskGone: (gone: TaskGone) => Promise<void>;
}

/** The daemon's own images, for an engine that keeps others. */
export interface DriverImages {
  /**
   * An archive of the image for this platform, in Docker's form; undefined when the namespace has no such image. Whoever stops
   * reading early ends it.
   */
  exportArchive(namespace: string, name: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Who to be at the registry of this reference; undefined for nobody in particular. */
  registryAuth(ref: string): Promise<RegistryLogin | undefined>;
}

/** A name and its password. Never logged. */
export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

/** A task that vanished, as its driver tells it. */
export interface TaskGone {
  readonly namespace: string;
  readonly id: string;
  /** Of its init process, as well as the driver knows; an exit that was told before goes first. */
  readonly exit: ProcessExit;
  /** False when nobody can tell any more how it ended: the status is 255 then. Default: true. */
  readonly isExitKnown?: boolean;
  /** Why, for people: "shim disconnected", … */
  readonly reason: string;
}

/** A task to be made: what the client asked for and the container's record, whose `runtime.options` count where it asked for none. */
export interface CreateTask extends Omit<CreateTaskOptions, "checkpoint" | "runtimePath"> {
  readonly namespace: string;
  readonly id: string;
  /** The runtime as the client chose it: a name or an absolute path. */
  readonly runtime: string;
  /** The image that the container's record names; "" without one. */
  readonly image: string;
  /** The bytes of config.json, as the container record holds them. */
  readonly spec: Uint8Array;
  /** Folder with the checkpoint to restore from; "" for a fresh start. */
  readonly checkpointPath: string;
}

/** Makes tasks of some runtimes, and finds them again. Disposing it lets go; the tasks go on. */
export interface RuntimeDriver extends AsyncDisposable {
  /**
   * Looks at the options of a create before anything is made.
   * @returns the folder to restore from when the options name one, else "".
   * @throws kind unknown for options that the runtime cannot take.
   */
  checkOptions(runtime: string, options: Any | undefined): { readonly checkpointPath: string };
  /** Makes a task, or leaves nothing behind, also when `signal` gives up half-way. */
  create(request: CreateTask, signal?: AbortSignal): Promise<DriverTask>;
  /**
   * Finds the tasks of a former daemon and cleans up what is no task any more, which it tells by `onTaskGone`.
   * `runtimeOf` answers the runtime name in the container's record, undefined without a record.
   */
  load(runtimeOf: (namespace: string, id: string) => Promise<string | undefined>): Promise<DriverTask[]>;
  /** Whether anything of such a task is left on this host, loaded or not. */
  hasRemains(namespace: string, id: string): Promise<boolean>;
  /** The names on the command lines of processes of the driver's own that need no task of that name to be in order. */
  attended(): readonly { readonly namespace: string; readonly id: string }[];
  /** What it lacks to run this runtime, one of its own, for people; undefined when nothing. Default: nothing. */
  lacks?(runtime: string): Promise<string | undefined>;
  /** Compares what an engine of its own has with the tasks; changes nothing by itself. Default: the host tells all. */
  examine?(examination: DriverExamination): AsyncIterable<Discovery>;
}

/** What a driver needs to be looked over by the doctor. */
export interface DriverExamination {
  readonly signal: AbortSignal | undefined;
  /** Runs `work` if there is no task of this name and none is being made or removed; none comes up before it ends. Else undefined. */
  whileAbsent<T>(
    name: { readonly namespace: string; readonly id: string },
    work: () => Promise<T>,
  ): Promise<T | undefined>;
}

/**
 * One task as its driver sees it. Errors carry the runtime's own text and kind. An aborted `signal` ends the waiting, not
 * the deed. Disposing lets go; the task goes on.
 */
export interface DriverTask extends AsyncDisposable {
  readonly namespace: string;
  readonly id: string;
  /** Of the init process; 0 while a task has not been started that has no process before, as a restored one. */
  readonly pid: number;
  /** Where its bundle is; goes into `/tasks/create`. */
  readonly bundle: string;
  /** True where the runtime itself sends task events (shims do); else the task manager writes them. */
  readonly reportsEvents: boolean;
  /** Ids of execs that were started and not deleted, those that a former daemon started and did not live to hear of among them. */
  startedExecs?(): Promise<readonly string[]>;
  /** Answers or fails within 2 seconds. */
  state(execId: string, signal?: AbortSignal): Promise<ProcessState>;
  /** Resolves with the pid, as the host counts, when the process runs. */
  start(execId: string, signal?: AbortSignal): Promise<{ readonly pid: number }>;
  /** Ends and removes the process; for init all that belongs to the task. Once begun it runs to its end. */
  delete(execId: string): Promise<ProcessExit>;
  /** `all`: every process of the container; never with an exec's id. Does not wait for the end. */
  kill(execId: string, signalNumber: number, all: boolean, signal?: AbortSignal): Promise<void>;
  /** Adds a process, which `start` runs. The id is an identifier, the spec's type that of an OCI Process, or none. */
  exec(execId: string, options: ExecOptions, signal?: AbortSignal): Promise<void>;
  /** In columns and rows. */
  resizePty(execId: string, width: number, height: number, signal?: AbortSignal): Promise<void>;
  closeIO(execId: string, stdin: boolean, signal?: AbortSignal): Promise<void>;
  pause(signal?: AbortSignal): Promise<void>;
  resume(signal?: AbortSignal): Promise<void>;
  /** All processes in the container, with pids as the host counts. */
  pids(signal?: AbortSignal): Promise<ProcessInfo[]>;
  /** Answers or fails within 2 seconds. */
  stats(signal?: AbortSignal): Promise<TaskMetrics["data"]>;
  /** `resources` are OCI LinuxResources as JSON. */
  update(resources: Any, annotations: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void>;
  /** Writes the state of the processes into the folder `path`. */
  checkpoint(path: string, options: Any | undefined, signal?: AbortSignal): Promise<void>;
  /** What is known of the end of a process beside its status, asked in the moment of its end. Default: nothing. Quick. */
  exitDetails?(execId: string): ExitDetails | undefined;
  /** Resolves when the process has exited, however long that takes; for init also when its shim died and was cleaned up. */
  wait(execId: string, signal?: AbortSignal): Promise<ProcessExit>;
}
