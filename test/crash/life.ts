// The life of a container as a client leads it: record, labels, task, execs, end, removal. It goes on from wherever the story
// stands, so that it can be taken up again with the next daemon.
import type { Client } from "../../api/client/connect.js";
import { errorKind, isFailedPrecondition } from "../../api/core/errors.js";
import type { Stdio } from "../../api/core/task.js";
import { ociProcess, ociSpec } from "../helpers/oci-spec.js";
import type { Random } from "../helpers/random.js";
import { ContainerStory, type Part, ProcessStory } from "./story.js";

const RUNC = "io.containerd.runc.v2";
const NO_STDIO: Stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
const FOREVER: Part = { args: ["/bin/sleep", "100000"], status: undefined };
const SIGKILL = 9;
/** Nothing that is called here takes longer, on a busy machine too: what does hangs. */
const ANSWER_MS = 60_000;

export interface LifeOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly rootfs: string;
  /** Told before each call. Throws when there is to be no further one. */
  readonly beforeCall: () => void;
}

const exiting = (status: number): Part => ({ args: ["/bin/sh", "-c", `exit ${status}`], status });
const sleeping = (random: Random): Part => ({ args: ["/bin/sleep", `0.${random.between(0, 6)}`], status: 0 });

function drawPart(random: Random): Part {
  return random.pick([FOREVER, sleeping(random), exiting(0), exiting(random.between(1, 100))]);
}

/** A life that has not begun. Only a task that goes on has execs. */
export function drawStory(id: string, random: Random): ContainerStory {
  const part = random.next() < 0.5 ? FOREVER : drawPart(random);
  const count = part === FOREVER ? random.between(0, 4) : 0;
  const execs = Array.from({ length: count }, (_, n) => {
    // An exec may have the id of its container.
    const execId = n === 0 && random.next() < 0.3 ? id : `e${n}`;
    return new ProcessStory(execId, drawPart(random), random.next() < 0.7);
  });
  const init = new ProcessStory("", part);
  const choices = { isMounted: random.next() < 0.5, retriesLostStart: random.next() < 0.5 };
  return new ContainerStory(id, random.between(0, 3), init, execs, choices);
}

/** Leads the life to its end. @throws when a call fails, and leaves in the story which. */
export async function lead(
  story: ContainerStory,
  { client, namespace, rootfs, beforeCall }: LifeOptions,
): Promise<void> {
  const ctx = { namespace };
  const { id, record, init, execs } = story;
  const call = async <T>(make: () => Promise<T>): Promise<T> => {
    beforeCall();
    return await answered(make());
  };

  if (record.stage === "none") {
    story.label = "0";
    const spec = ociSpec({
      args: init.part.args,
      rootfs: story.isMounted ? "rootfs" : rootfs,
      cgroupsPath: `/${namespace}/${id}`,
    });
    const container = { id, labels: { turn: story.label }, runtime: { name: RUNC }, spec };
    await record.bring(async () => void (await call(() => client.containers.create(ctx, container))));
  }
  while (story.updatesLeft > 0) {
    const next = `${Number(story.label) + 1}`;
    story.nextLabel = next;
    await call(() => client.containers.update(ctx, { id, labels: { turn: next } }, ["labels.turn"]));
    story.label = next;
    story.nextLabel = undefined;
    story.updatesLeft -= 1;
  }
  const start = async (story: ProcessStory): Promise<void> => {
    await story.run.bring(async () => {
      story.pid = (await call(() => client.tasks.start(ctx, id, story.execId))).pid;
    });
  };
  /** Has it end, by itself or by a signal, and removes it. */
  const finish = async (story: ProcessStory, remove: () => Promise<unknown>): Promise<void> => {
    if (story.stage !== "there") return;
    if (story.run.stage === "there") {
      if (story.part.status === undefined && !story.isCutOff) {
        story.isKilled = true;
        // The execs that nobody waited for go with it.
        if (story === init) for (const exec of execs) if (exec.stage === "there") exec.isKilled = true;
        await call(() => client.tasks.kill(ctx, id, story.execId, { signal: SIGKILL, all: false })).catch(unlessEnded);
      }
      await call(() => client.tasks.wait(ctx, id, story.execId));
    }
    await story.remove(async () => void (await call(remove)));
  };

  if (init.stage === "none") {
    await init.bring(async () => {
      const mounts = story.isMounted ? [{ type: "bind", source: rootfs, options: ["rbind", "ro"] }] : [];
      init.pid = (await call(() => client.tasks.create(ctx, id, { ...NO_STDIO, rootfs: mounts }))).pid;
    });
  }
  const isStartable = story.retriesLostStart || !init.run.wasLost;
  if (init.stage === "there" && init.run.stage === "none" && isStartable) await start(init);
  for (const exec of execs) {
    if (init.stage !== "there" || init.run.stage !== "there" || init.isCutOff) break;
    if (exec.stage === "none") {
      const spec = ociProcess(exec.part.args);
      await exec.bring(() => call(() => client.tasks.exec(ctx, id, exec.execId, { ...NO_STDIO, spec })));
    }
    if (exec.stage === "there" && exec.run.stage === "none") {
      await start(exec).catch((error: unknown) => {
        // A start that was cut off may have spoilt it. It has never run then, and will not.
        if (!exec.run.wasLost || !isFailedPrecondition(error)) throw error;
        exec.run.stage = "gone";
      });
    }
    if (exec.isDeleted) await finish(exec, () => client.tasks.deleteProcess(ctx, id, exec.execId));
  }
  await finish(init, () => client.tasks.delete(ctx, id));
  await record.remove(() => call(() => client.containers.delete(ctx, id)));
}

/** @throws when the answer does not come in time. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ANSWER_MS / 1_000} s`)), ANSWER_MS);
  });
  try {
    return await Promise.race([answer, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** A process that was killed by a call which the daemon did not live to answer. */
function unlessEnded(error: unknown): void {
  if (errorKind(error) !== "not_found") throw error;
}
