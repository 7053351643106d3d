// What the doctor is told by the driver of an engine: the engine's own list of what bears this daemon's mark, and the bundles, against the
// tasks. What is without a task is mended, since the mark or the folder proves it to be ours.
import { rm } from "node:fs/promises";
import type { Discovery } from "../../api/core/doctor.js";
import type { EngineBundle, EngineFolders } from "./folders.js";

/** For an engine that does not answer. */
const ANSWER_TIMEOUT_MS = 5_000;

interface TaskName {
  readonly namespace: string;
  readonly id: string;
}

/** A container or an instance that bears this daemon's mark. */
export interface Marked extends TaskName {
  /** How people find it at the engine. */
  readonly subject: string;
  /** Whether a task has it, or somebody is making it. */
  isWanted(): boolean;
  /** Resolves with whether it is gone. */
  remove(): Promise<boolean>;
}

export interface EngineExamination {
  /** `container` or `instance`. */
  readonly noun: string;
  /** Where the engine is reached. */
  readonly host: string;
  readonly folders: EngineFolders;
  /** The driver's tasks. */
  tasks(): readonly TaskName[];
  /** @throws what the engine says, or that it says nothing. */
  marked(signal: AbortSignal): Promise<readonly Marked[]>;
  readonly signal: AbortSignal | undefined;
  /** Of the task manager. */
  whileAbsent<T>(name: TaskName, work: () => Promise<T>): Promise<T | undefined>;
}

export async function* examineEngine(engine: EngineExamination): AsyncGenerator<Discovery> {
  const marked = await askForMarked(engine);
  if ("kind" in marked) yield marked;
  else for (const one of marked) if (!one.isWanted()) yield withoutTask(engine, one);
  for (const bundle of await engine.folders.bundles()) {
    const discovery = await engine.whileAbsent(bundle, () => bundleWithoutTask(engine, bundle));
    if (discovery !== undefined) yield discovery;
  }
}

/** A finding where the engine does not answer. */
async function askForMarked(engine: EngineExamination): Promise<readonly Marked[] | Discovery> {
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const { signal } = engine;
  try {
    return await engine.marked(signal === undefined ? timeout : AbortSignal.any([signal, timeout]));
  } catch (error) {
    signal?.throwIfAborted();
    const count = engine.tasks().length;
    const whom = count === 0 ? "no task needs it now" : `${count} ${count === 1 ? "task is" : "tasks are"} there`;
    return {
      kind: "engine-unreachable",
      namespace: "",
      subject: engine.host,
      detail: `${error instanceof Error ? error.message : String(error)}; ${whom}`,
      isProblem: count > 0,
    };
  }
}

function withoutTask({ noun }: EngineExamination, one: Marked): Discovery {
  return {
    kind: `${noun}-without-task`,
    namespace: one.namespace,
    subject: one.subject,
    detail: `marked as that of ${one.id}, which has no task or another`,
    isProblem: true,
    repair: async () => !one.isWanted() && (await one.remove()),
  };
}

async function bundleWithoutTask(engine: EngineExamination, bundle: EngineBundle): Promise<Discovery> {
  const use = await stillUsed(engine, bundle);
  const remove = async (): Promise<boolean> => {
    if ((await stillUsed(engine, bundle)) !== undefined) return false;
    await rm(bundle.path, { recursive: true, force: true });
    return true;
  };
  return {
    kind: "bundle-without-task",
    namespace: bundle.namespace,
    subject: bundle.path,
    detail: use ?? `no ${engine.noun} belongs to it`,
    isProblem: true,
    repair: use === undefined ? async () => (await engine.whileAbsent(bundle, remove)) === true : undefined,
  };
}

/** Why a bundle without a task must be left alone. */
async function stillUsed(engine: EngineExamination, { namespace, id }: TaskName): Promise<string | undefined> {
  const marked = await askForMarked(engine);
  if ("kind" in marked) return `whether its ${engine.noun} is there cannot be asked`;
  const own = marked.find((one) => one.namespace === namespace && one.id === id);
  return own === undefined ? undefined : `its ${engine.noun} is there, ${own.subject}`;
}
