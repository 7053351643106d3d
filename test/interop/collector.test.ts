// The same random clients on real containerd and on berthd, then one run of each one's collector: both leave the same, and just
// what the model says. SEED repeats a failure.
import { expect, test } from "vitest";
import { connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { collect } from "../conformance/collector-model.js";
import { CollectorScript } from "../conformance/collector-script.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { seeded, seededByEnvironment } from "../helpers/random.js";
import { requires } from "../helpers/requires.js";

const NAMESPACES = Number(process.env["GC_NAMESPACES"] ?? 6);
const STEPS = 40;
/** No run but the one that is asked for. */
const GC = 'startup_delay = "0s"\nmutation_threshold = 0\ndeletion_threshold = 1000000\n';

/** What is left of every namespace, and what the model says. */
async function outcome(address: string, seed: number): Promise<{ found: string[][]; owed: string[][] }> {
  await using client = connect({ address });
  const random = seeded(seed);
  const namespaces = Array.from({ length: NAMESPACES }, (_, index) => `gc${index}`);
  const scripts = namespaces.map((namespace) => new CollectorScript(client, namespace, random, "1.6"));
  for (const script of scripts) for (let left = STEPS; left > 0; left -= 1) await script.step();
  for (const { world } of scripts) collect(world);
  await client.leases.create({ namespace: "gc0" }, { id: "t" });
  await client.leases.delete({ namespace: "gc0" }, "t", { sync: true });
  const found = await Promise.all(scripts.map((script) => script.survivors()));
  return { found, owed: scripts.map(({ world }) => [...world.keys()].sort()) };
}

test.skipIf(requires.root() || requires.binary("containerd"))(
  "leaves what containerd's leaves",
  async () => {
    await using scope = new DisposeScope();
    const { seed } = seededByEnvironment();
    const ours = await startBerthd(scope, { config: `[gc]\n${GC}` });
    const theirs = await startContainerd(scope, `[plugins."io.containerd.gc.v1.scheduler"]\n${GC}`);
    const [our, their] = await Promise.all([outcome(ours.address, seed), outcome(theirs.address, seed)]);
    expect(their.found, `containerd, SEED=${seed}`).toEqual(their.owed);
    expect(our.found, `berthd, SEED=${seed}`).toEqual(our.owed);
    expect(our.found).toEqual(their.found);
  },
  180_000,
);
