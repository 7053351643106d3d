// Random clients against the collector and a naive model: nothing that is reachable or leased ever goes, and all else does.
// SEED repeats a failure.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { createNativeBackend } from "../../runtime/snapshotters/native/backend.js";
import { collect } from "../../test/conformance/collector-model.js";
import { CollectorScript } from "../../test/conformance/collector-script.js";
import { ONLY_WHEN_ASKED, temporaryMetadata } from "../../test/helpers/metadata.js";
import { seededByEnvironment } from "../../test/helpers/random.js";
import { tempDir } from "../../test/helpers/temp.js";

const NAMESPACES = 8;
const ROUNDS = 6;
const MAX_STEPS = 25;

test("what stays is what a naive walk reaches, in every namespace, round after round", async () => {
  await using scope = new DisposeScope();
  const random = seededByEnvironment();
  const rootDir = await tempDir(scope);
  const snapshotBackends = [createNativeBackend(rootDir)];
  const store = await temporaryMetadata(scope, { snapshotBackends, collectorPolicy: ONLY_WHEN_ASKED });
  const scripts = Array.from(
    { length: NAMESPACES },
    (_, index) => new CollectorScript(store, `n${index}`, random, "2.x"),
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const script of scripts)
      for (let left = random.between(1, MAX_STEPS); left > 0; left -= 1) await script.step();
    const planned = await store.collector.collect({ dryRun: true });
    const { removed } = await store.collector.collect();
    expect(planned.removed).toEqual(removed);
    for (const { world } of scripts) collect(world);
    let snapshots = 0;
    for (const script of scripts) {
      const names = await script.survivors();
      expect(names, `SEED=${random.seed}`).toEqual([...script.world.keys()].sort());
      snapshots += names.filter((name) => name.startsWith("snapshot/")).length;
    }
    expect(await readdir(join(rootDir, "snapshots"))).toHaveLength(snapshots);
  }
}, 120_000);
