// The daemon is killed a few times in the middle of its work. The long form is `npm run test:crash`; SEED repeats a run.
import { afterAll, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { seededByEnvironment } from "../helpers/random.js";
import { requires } from "../helpers/requires.js";
import { runCrashes } from "./harness.js";

const KILLS = 6;
const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("runc");
const scope = new DisposeScope();
afterAll(() => scope[Symbol.asyncDispose]());

test.skipIf(lacking)(
  `${KILLS} kills lose nothing, tell every exit once and leave nothing behind`,
  async () => {
    const random = seededByEnvironment();
    const { faults, calls } = await runCrashes(scope, { kills: KILLS, random });
    expect(faults, `SEED=${random.seed}`).toEqual([]);
    expect(calls).toBeGreaterThan(KILLS);
  },
  180_000,
);
