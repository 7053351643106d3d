// Puts a program into as few files as its commands need. esbuild cuts it where something is loaded when it is used, into chunks by
// what is needed together; here these are gathered into parts, one file each, so that a short command reads what it needs and little more.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";

const { MAIN, PREFIX } = createRequire(import.meta.url)("../bin/launch.cjs");

/** A file of a bundle, and the modules that it has, with all that they import, unless a part before it has that already; the one that
 *  has the rest has what is in none. @typedef {{ name: string, entries: readonly string[], rest?: true }} Part */
/** @typedef {import("esbuild").Metafile["outputs"][string]} Output */

/** Less to read at each start. Names stay, for the stack of an error. @type {import("esbuild").CommonOptions} */
const SMALL = { minifyWhitespace: true, minifySyntax: true, legalComments: "none", platform: "node", target: "node20" };

/**
 * Writes the parts of a program into a folder.
 * @param {string} main its first module @param {string} outdir
 * @param {readonly Part[]} parts the first is named as the program; entries are ends of paths
 * @param {Pick<import("esbuild").BuildOptions, "alias" | "external">} options
 */
export async function writeParts(main, outdir, parts, options) {
  const { build, transform } = await import("esbuild");
  const built = await build({
    ...SMALL,
    ...options,
    entryPoints: { [MAIN]: main },
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    metafile: true,
    write: false,
    define: { "import.meta.url": "importMetaUrl" },
    logLevel: "warning",
  });
  const chunks = new Map(
    Object.entries(built.metafile.outputs).map(([path, output]) => [basename(path, ".js"), output]),
  );
  const texts = new Map(built.outputFiles.map(({ path, text }) => [basename(path, ".js"), text]));
  const partOf = divide(chunks, parts);

  /** As the launcher runs it: a function, whose imports name the part. @param {string} chunk */
  const write = async (chunk) => {
    const { code } = await transform(texts.get(chunk) ?? "", {
      ...SMALL,
      format: "cjs",
      supported: { "dynamic-import": false },
      logLevel: "warning",
    });
    const body = code.replaceAll(/\brequire\("\.\/([^"/]+)\.js"\)/g, (whole, name) =>
      partOf.has(name) ? `require("${PREFIX}${partOf.get(name)}/${name}")` : whole,
    );
    return `${JSON.stringify(chunk)}:function(exports,module){${body}}`;
  };
  mkdirSync(outdir, { recursive: true });
  for (const { name } of parts) {
    const mine = [...chunks.keys()].filter((chunk) => partOf.get(chunk) === name);
    const functions = await Promise.all(mine.map(write));
    const head = `(function(require,__filename,__dirname){const importMetaUrl=require("node:url").pathToFileURL(__filename).href;`;
    writeFileSync(join(outdir, `${name}.cjs`), `${head}return{\n${functions.join(",\n")}}})`);
  }
}

/** The part of each chunk. @param {ReadonlyMap<string, Output>} chunks @param {readonly Part[]} parts */
function divide(chunks, parts) {
  /** @type {Map<string, string>} */
  const partOf = new Map();
  /** @param {string} chunk @param {string} part */
  const take = (chunk, part) => {
    const output = chunks.get(chunk);
    if (output === undefined || partOf.has(chunk)) return;
    partOf.set(chunk, part);
    for (const { path, kind } of output.imports) if (kind === "import-statement") take(basename(path, ".js"), part);
  };
  for (const { name, entries } of parts) {
    for (const entry of entries) {
      const found =
        [...chunks].find(([, { entryPoint }]) => entryPoint?.endsWith(entry)) ??
        [...chunks].find(([, { inputs }]) => Object.keys(inputs).some((path) => path.endsWith(entry)));
      if (found === undefined) throw new Error(`nothing loads ${entry}`);
      take(found[0], name);
    }
  }
  const rest = parts.find((part) => part.rest)?.name ?? "";
  for (const chunk of chunks.keys()) if (!partOf.has(chunk)) partOf.set(chunk, rest);
  return partOf;
}
