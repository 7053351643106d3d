// `npm run bench`: brings what is missing, builds, and runs the benchmarks against berthd and a real containerd side by side.
import { bringDebianPackages, bringNpmPackages, requireRoot } from "./bring.mjs";
import { main, packageBinary, run } from "./steps.mjs";

await main(async () => {
  await bringNpmPackages();
  requireRoot("npm run bench");
  await bringDebianPackages();
  const { build, isStale } = await import("./build.mjs");
  if (isStale()) await build();
  const { status } = await run(packageBinary("tsx"), ["test/bench/main.ts", ...process.argv.slice(2)]);
  return status;
});
