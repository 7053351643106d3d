// Starts a program from its one-file bundle. Parsing and compiling is most of a short command's time, so a build keeps the
// compiled code beside the bundle; V8 refuses what another version of it has made, and then compiles the source as ever.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { dirname, join } = require("node:path");
const { Script } = require("node:vm");

/** What is kept beside a bundle. */
const CACHE_SUFFIX = ".cache";

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Runs a bundle. Answers its script, from which the compiled code can be had later. @param {string} file */
function runBundle(file) {
  // esbuild writes ASCII, and V8 is faster with one byte a character. The bundle is a function as it stands in the file: putting
  // one around it here would keep a second copy of the source in memory.
  const source = readFileSync(file, "latin1");
  const script = new Script(source, {
    filename: file,
    cachedData: readIfThere(file + CACHE_SUFFIX),
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
  return script;
}

module.exports = {
  CACHE_SUFFIX,
  runBundle,
  /** Starts a program as the command line asks. @param {string} name */
  launch: (name) => void runBundle(join(__dirname, "..", "dist", "bundle", `${name}.cjs`)),
};
