// From a bundle to a task whose init process waits to begin, or to nothing.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DisposeScope } from "../../api/core/dispose.js";
import { unknownError, wrapError } from "../../api/core/errors.js";
import { systemText } from "../sys/system-text.js";
import { limitsNotKept } from "./cgroup-support.js";
import { HostProcess } from "./host-process.js";
import { openTaskCgroup, probeCgroups } from "./open-task-cgroup.js";
import { type ProcessOptions, parseOptions } from "./options.js";
import { planProcess } from "./plan.js";
import type { CreateProcessTask } from "./process-task.js";
import { refuse, specRefusals } from "./refusals.js";
import type { LinuxResources } from "./resources.js";
import { type OciProcess, type OciSpec, parseSpec } from "./spec.js";
import { HostTask, type TaskDeps } from "./task.js";
import { TaskProcesses } from "./task-processes.js";
import { clearTraces, writeTraces } from "./traces.js";

const CREATE_FAILED = "OCI runtime create failed";

export interface MakeTaskDeps extends Pick<TaskDeps, "namespace" | "reaper" | "clock" | "log" | "tell" | "onDeleted"> {
  /** Ends the waiting for readers of the output. */
  readonly signal: AbortSignal | undefined;
}

interface Plan {
  readonly spec: OciSpec;
  readonly process: OciProcess;
  readonly options: ProcessOptions;
  readonly cgroupPath: string;
  readonly resources: LinuxResources | undefined;
}

/** @throws what {@link ProcessHost.create} throws. */
export async function makeTask(request: CreateProcessTask, deps: MakeTaskDeps): Promise<HostTask> {
  const { id, bundle, stdin, stdout, stderr, terminal } = request;
  const { spec, process, options, cgroupPath, resources } = await inWords(() => readPlan(request, deps.namespace));
  const plan = await inWords(async () => planProcess(process));
  const init = new HostProcess("", { stdin, stdout, stderr, terminal }, process);
  const { signal, ...rest } = deps;
  const scope = new DisposeScope();
  try {
    const cgroup = await inWords(() => openTaskCgroup({ path: cgroupPath, resources }));
    const processes = new TaskProcesses(cgroup);
    scope.defer(() => processes.remove());
    // Whoever is killed from here on leaves at least a hint.
    scope.defer(() => clearTraces(bundle));
    writeTraces(bundle, [], processes.cgroupFolders);
    await init.prepare(plan, {
      ...deps,
      id,
      place: (pid) => processes.add(pid),
      failure: (error) => wrapError(CREATE_FAILED, error),
    });
    scope.defer(() => init[Symbol.asyncDispose]());
    scope.defer(() => init.abandon());
    writeTraces(bundle, processes.leaders, processes.cgroupFolders);
    return new HostTask({ ...rest, id, bundle, annotations: spec.annotations ?? {}, options, processes }, init);
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

/** Reads what is asked for. @throws invalid_argument that names what cannot be had. */
async function readPlan(request: CreateProcessTask, namespace: string): Promise<Plan> {
  const options = parseOptions(request.options);
  const spec = parseSpec(await readConfig(join(request.bundle, "config.json")));
  const { process, linux } = spec;
  // Of a path for systemd nothing is left when there is none.
  const isSystemdPath = /^[^/]*:[^/]*:/.test(linux?.cgroupsPath ?? "");
  const cgroupPath =
    linux?.cgroupsPath == null || linux.cgroupsPath === "" || isSystemdPath
      ? `/berth/${namespace}/${request.id}`
      : linux.cgroupsPath;
  const { devices: _, ...resources } = linux?.resources ?? {};
  const isLimited = Object.keys(resources).length > 0;
  const limits = isLimited ? limitsNotKept(resources, await probeCgroups({ path: cgroupPath })) : [];
  const refusals = [
    ...specRefusals(spec, request.rootfs),
    ...(isSystemdPath ? ["linux.cgroupsPath"] : []),
    ...(request.checkpoint === "" ? [] : ["checkpoint"]),
  ];
  refuse(refusals, options, limits);
  if (process == null) throw unknownError("process must be specified");
  checkTerminal(process, request.terminal);
  return { spec, process, options, cgroupPath, resources };
}

function checkTerminal(process: OciProcess, terminal: boolean): void {
  if ((process.terminal === true) === terminal) return;
  throw unknownError(
    terminal
      ? "cannot use console socket if runc will not detach or allocate tty"
      : "cannot allocate tty if runc will detach without setting console socket",
  );
}

async function readConfig(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unknownError(systemText("open", path, error), error);
  }
}

async function inWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw wrapError(CREATE_FAILED, error);
  }
}
