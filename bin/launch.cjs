// Starts a program from its bundle: one file or a few, each a table of functions by the name of their module, and read when the first
// of them is needed. Parsing and compiling is most of a short command's time, so a build keeps the compiled code beside each file; V8
// refuses what another version of it has made, and then compiles the source as ever.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { dirname, join } = require("node:path");
const { Script } = require("node:vm");

/** What is kept beside a file of a bundle. */
const CACHE_SUFFIX = ".cache";
/** `bundle:<file>/<module>` is what modules ask each other by. */
const PREFIX = "bundle:";
/** The module in the file named as the program that is run first. */
const MAIN = "main";

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Runs a program. Answers the scripts of the files that were read, also those that will be, by their paths; from these the compiled code
 * can be had later. @param {string} folder @param {string} name
 */
function runBundle(folder, name) {
  const scripts = new Map();
  const tables = new Map();
  const modules = new Map();
  const fromNode = createRequire(join(folder, `${name}.cjs`));

  /** @param {string} part */
  const open = (part) => {
    const file = join(folder, `${part}.cjs`);
    // The build writes ASCII, and V8 is faster with one byte a character.
    const source = readFileSync(file, "latin1");
    const script = new Script(source, { filename: file, cachedData: readIfThere(file + CACHE_SUFFIX) });
    scripts.set(file, script);
    const table = script.runInThisContext()(load, file, dirname(file));
    tables.set(part, table);
    return table;
  };
  /** @param {string} wanted */
  const load = (wanted) => {
    if (!wanted.startsWith(PREFIX)) return fromNode(wanted);
    const known = modules.get(wanted);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(wanted, module);
    const [part = "", id = ""] = wanted.slice(PREFIX.length).split("/");
    (tables.get(part) ?? open(part))[id](module.exports, module);
    return module.exports;
  };
  load(`${PREFIX}${name}/${MAIN}`);
  return scripts;
}

module.exports = {
  CACHE_SUFFIX,
  MAIN,
  PREFIX,
  runBundle,
  /** Starts a program as the command line asks. @param {string} name */
  launch: (name) => void runBundle(join(__dirname, "..", "dist", "bundle"), name),
};
