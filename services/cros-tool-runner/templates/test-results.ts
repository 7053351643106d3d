// Where a run of cros-test has left its results.
import { readdir } from "node:fs/promises";
import { join } from "node:path";

const RUN_PREFIX = "cros-test-";
const RESULTS = "cros-test/results";
const INSIDE = "/tmp/test/results";

/** The volume with the results of the run below a folder; none where no run has been. */
export async function testResults(source: string): Promise<readonly string[]> {
  const entries = await readdir(source, { withFileTypes: true }).catch(() => []);
  const runs = entries.filter((entry) => entry.isDirectory() && entry.name.startsWith(RUN_PREFIX));
  const [first] = runs.map(({ name }) => name).sort();
  return first === undefined ? [] : [`${join(source, first, RESULTS)}:${INSIDE}`];
}
