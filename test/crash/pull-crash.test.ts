// The daemon and the registry are killed a few times in the middle of pulls and removals. The long form is
// `npm run test:crash -- --pulls 100`; SEED repeats a run.
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { seededByEnvironment } from "../helpers/random.js";
import { requires } from "../helpers/requires.js";
import { runPullCrashes } from "./pulls.js";

const KILLS = 8;

test.skipIf(requires.root() || requires.binary("docker-registry"))(
  `${KILLS} kills amid pulls leave nothing broken and nothing behind, and what was fetched is not fetched again`,
  async () => {
    await using scope = new DisposeScope();
    const random = seededByEnvironment();
    const { faults, pulls } = await runPullCrashes(scope, { kills: KILLS, random });
    expect(faults, `SEED=${random.seed}`).toEqual([]);
    expect(pulls).toBeGreaterThan(0);
  },
  180_000,
);
