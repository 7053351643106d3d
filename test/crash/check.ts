// What must hold once a daemon is back: the records that were acknowledged are there and no others, every task and exec answers
// with the state that it must have, and there are no bundles but those of tasks. What a lost call did is settled by looking.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "../../api/client/connect.js";
import { isNotFound } from "../../api/core/errors.js";
import type { ProcessState } from "../../api/core/task.js";
import type { Engine } from "../helpers/engine.js";
import { type ContainerStory, CUT_OFF_STATUS, KILLED_STATUS, type ProcessStory, type Thing } from "./story.js";

export interface CheckOptions {
  readonly client: Client;
  readonly engine: Engine;
  readonly namespace: string;
}

async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Compares what is there with what is owed, and settles what was on its way. */
function compare(what: string, thing: Thing, isThere: boolean, faults: string[]): void {
  const { owed } = thing;
  if (owed === true && !isThere) faults.push(`${what} is lost`);
  if (owed === false && isThere) faults.push(`${what} is there again (${thing.stage})`);
  thing.settle(isThere);
}

/** Everything that is wrong, one line each. */
export async function checkStories(stories: readonly ContainerStory[], options: CheckOptions): Promise<string[]> {
  const { client, engine, namespace } = options;
  const faults: string[] = [];
  const containers = new Map((await client.containers.list({ namespace })).map((record) => [record.id, record]));
  for (const story of stories) {
    const record = containers.get(story.id);
    containers.delete(story.id);
    compare(`record of ${story.id}`, story.record, record !== undefined, faults);
    if (record !== undefined) settleLabel(story, record.labels["turn"] ?? "", faults);
    if (record !== undefined) await checkTask(story, options, faults);
  }
  for (const id of containers.keys()) faults.push(`record of ${id}, which nobody made`);

  const listed = (await client.tasks.list({ namespace })).map(({ containerId }) => containerId).sort();
  const owed = stories.filter(({ init }) => init.stage === "there").map(({ id }) => id);
  if (listed.join() !== owed.sort().join()) faults.push(`tasks listed: ${listed}; owed: ${owed}`);
  const folder = join(engine.stateDir, "io.containerd.runtime.v2.task", namespace);
  const bundles = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith(".")).sort();
  if (bundles.join() !== listed.join()) faults.push(`bundles: ${bundles}; tasks: ${listed}`);
  return faults;
}

function settleLabel(story: ContainerStory, found: string, faults: string[]): void {
  if (found === story.nextLabel) {
    story.label = found;
    story.updatesLeft -= 1;
  } else if (found !== story.label) faults.push(`label of ${story.id} is ${found}, not ${story.label}`);
  story.nextLabel = undefined;
}

async function checkTask(story: ContainerStory, options: CheckOptions, faults: string[]): Promise<void> {
  for (const process of story.processes) {
    const what = process.execId === "" ? `task ${story.id}` : `exec ${process.execId} of ${story.id}`;
    // The execs go with their task, whoever forgot them.
    if (process !== story.init && story.init.stage !== "there") process.stage = "gone";
    if (process.stage === "gone" && story.init.stage !== "there") continue;
    try {
      const get = options.client.tasks.get({ namespace: options.namespace }, story.id, process.execId);
      const state = await unlessMissing(get);
      if (state !== undefined) allowForCutOff(process, state);
      compare(what, process, state !== undefined, faults);
      if (state !== undefined) checkState(what, process, state, faults);
    } catch (error) {
      faults.push(`${what} does not answer: ${error}`);
    }
  }
}

/** The two ends that only a task whose call was lost may have come to, as cut-off.test.ts shows them. */
function allowForCutOff(process: ProcessStory, { status, exitStatus }: ProcessState): void {
  if (process.execId !== "" || status !== "stopped") return;
  if (process.run.stage === "coming" && exitStatus === CUT_OFF_STATUS) process.isCutOff = true;
  if (process.stage === "going" && process.run.stage === "none" && exitStatus === KILLED_STATUS) process.isUnrun = true;
}

function checkState(what: string, process: ProcessStory, state: ProcessState, faults: string[]): void {
  const hasRun = state.status !== "created" && !process.isUnrun;
  compare(`start of ${what}`, process.run, hasRun, faults);
  if (process.pid !== 0 && state.pid !== process.pid) faults.push(`${what} has pid ${state.pid}, not ${process.pid}`);
  if (hasRun || process.execId === "") process.pid = state.pid;
  if (!hasRun) return;
  if (state.status === "running") return;
  if (state.status !== "stopped") faults.push(`${what} is ${state.status}`);
  else if (process.part.status === undefined && !process.isKilled && !process.isCutOff)
    faults.push(`${what} has ended: ${state.exitStatus}`);
  else if (!process.statuses.includes(state.exitStatus))
    faults.push(`${what} ended with ${state.exitStatus}, not ${process.statuses}`);
}
