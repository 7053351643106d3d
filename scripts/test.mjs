// `npm test`: brings what is missing, builds, runs vitest, and ends with one line of numbers. Arguments go to vitest
// (`npm test -- --project unit metadata`). As an ordinary user, and with `--project unit` alone, nothing of Debian's is installed; tests that need
// root, or programs that are not there, are skipped and say so.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bringDebianPackages, bringNpmPackages, requireLinux } from "./bring.mjs";
import { main, packageBinary, run, StepError, say } from "./steps.mjs";

/** @typedef {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   numFailedTestSuites: number, success: boolean }} Report */

/** @param {string} path @returns {Report | undefined} */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

await main(async () => {
  const args = process.argv.slice(2);
  requireLinux("npm test");
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && process.env["REQUIRE_ALL"] === "1") {
    throw new StepError("REQUIRE_ALL=1 lets no test be skipped, and many need root: run it as root");
  }
  await bringNpmPackages();
  const isUnitOnly = (args.includes("--project") && args.includes("unit")) || args.includes("--project=unit");
  if (isRoot && !isUnitOnly) await bringDebianPackages({ forTests: true });
  if (!isRoot) say("not root: tests that need root are skipped");
  // Only now: build.mjs is needed after the packages are there.
  const { build, isStale } = await import("./build.mjs");
  if (isStale()) await build();
  say(`running vitest ${args.join(" ")}`);
  // Ctrl-C reaches vitest as well, which ends its tests in order; its end is ours.
  process.on("SIGINT", () => {});
  const folder = mkdtempSync(join(tmpdir(), "berth-report-"));
  try {
    const path = join(folder, "report.json");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${path}`];
    const { status } = await run(packageBinary("vitest"), ["run", ...reporters, ...args]);
    const report = readReport(path);
    if (report === undefined) throw new StepError(`vitest ended with ${status} and left no report`);
    const { numPassedTests: passed, numFailedTests: failed } = report;
    const skipped = report.numPendingTests + report.numTodoTests;
    if (passed + failed === 0) process.stderr.write("error: no test ran\n");
    else if (failed === 0 && status !== 0) {
      process.stderr.write(
        "error: no test failed, but the run did; see above (a file, a hook, or something left behind)\n",
      );
    }
    if (skipped > 0) say("what was skipped, and for want of what, stands above as `skipping: needs ...`");
    process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
    return passed + failed === 0 ? 1 : status;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
