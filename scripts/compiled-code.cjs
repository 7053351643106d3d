// Runs a program of a folder of bundles, both named first, with the arguments behind them, and at its end keeps the code that V8 has
// compiled for each of its files that has none kept yet.
const { existsSync, writeFileSync } = require("node:fs");
const { CACHE_SUFFIX, runBundle } = require("../bin/launch.cjs");

const [folder = "", name = ""] = process.argv.splice(2, 2);
const scripts = runBundle(folder, name);
process.on("exit", () => {
  for (const [file, script] of scripts) {
    if (!existsSync(file + CACHE_SUFFIX)) writeFileSync(file + CACHE_SUFFIX, script.createCachedData());
  }
});
