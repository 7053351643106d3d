// Runs a bundle, named first, with the arguments behind it, and at its end keeps the code that V8 has compiled.
const { writeFileSync } = require("node:fs");
const { CACHE_SUFFIX, runBundle } = require("../bin/launch.cjs");

const [file = ""] = process.argv.splice(2, 1);
const script = runBundle(file);
process.on("exit", () => writeFileSync(file + CACHE_SUFFIX, script.createCachedData()));
