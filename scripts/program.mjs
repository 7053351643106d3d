// Runs a program of the tests (`npm run bench`, `npm run test:crash`) after bringing what is missing and building:
// `program.mjs <npm script> <file> [arguments]`.
import { bringDebianPackages, bringNpmPackages, requireRoot } from "./bring.mjs";
import { main, packageBinary, run, StepError } from "./steps.mjs";

await main(async () => {
  const [script, file, ...args] = process.argv.slice(2);
  if (script === undefined || file === undefined) throw new StepError("usage: program.mjs SCRIPT FILE [ARGUMENT...]");
  requireRoot(`npm run ${script}`);
  await bringNpmPackages();
  await bringDebianPackages();
  const { build, isStale } = await import("./build.mjs");
  if (isStale()) await build();
  return (await run(packageBinary("tsx"), [file, ...args])).status;
});
