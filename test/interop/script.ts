// The commands that both clients give both daemons, in order; each step tells what it printed and how it ended. Steps build on
// each other: what one creates, a later one uses and removes. No step knows which client or daemon it talks to.
import type { Answer, Corner, Step } from "./step.js";
import { about } from "./steps/about.js";
import { containers } from "./steps/containers.js";
import { events } from "./steps/events.js";
import { leases } from "./steps/leases.js";
import { namespaces } from "./steps/namespaces.js";
import { runs } from "./steps/runs.js";
import { tasks } from "./steps/tasks.js";

/** The whole script. Every step's name is unique once numbered by {@link playScript}. */
export const SCRIPT: readonly Step[] = [
  ...about,
  ...namespaces,
  ...leases,
  ...containers,
  ...tasks,
  ...runs,
  ...events,
];

/** Plays the whole script in one corner. */
export const playScript = (corner: Corner): Promise<Map<string, Answer>> => playSteps(SCRIPT, corner);

/** Plays steps in one corner; the keys are `<number> <name>`. A step that throws tells so in its answer. */
export async function playSteps(steps: readonly Step[], corner: Corner): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  for (const [index, step] of steps.entries()) {
    const key = `${index + 1} ${step.name}`;
    try {
      answers.set(key, await step.run(corner));
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
      answers.set(key, { code: null, stdout: "", stderr: `the step failed: ${String(error)}${cause}` });
    }
  }
  return answers;
}

/** The keys of {@link playSteps}, for tables of tests. */
export const stepKeys = (steps: readonly Step[]): string[] => steps.map((step, index) => `${index + 1} ${step.name}`);

export const STEP_KEYS: readonly string[] = stepKeys(SCRIPT);
