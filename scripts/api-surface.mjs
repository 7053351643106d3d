// The API's surface, as users of the package see it: one report for each door of package.json's `exports`, kept in docs/api.
// A change of what is exported shows in the report's diff. `api-surface.mjs` writes the reports, `--check` compares them.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { main, must, packageBinary, ROOT, StepError, say } from "./steps.mjs";

const REPORTS = join(ROOT, "docs", "api");

/** Each door with the file that is behind it. */
function doors() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return Object.entries(exports).flatMap(([path, target]) => {
    const types = Object(target).types;
    if (typeof types !== "string" || path.includes("*")) return [];
    return [{ name: path === "." ? "berthd" : `berthd-${path.slice(2)}`, types: types.replace("./dist/", "") }];
  });
}

/** @param {string} folder where the declarations are and everything that is made goes */
function report(folder) {
  // Loaded here: it takes half a second, and who only imports this file need not have it.
  const { Extractor, ExtractorConfig } = createRequire(import.meta.url)("@microsoft/api-extractor");
  const texts = new Map();
  for (const { name, types } of doors()) {
    const config = ExtractorConfig.prepare({
      configObjectFullPath: join(folder, "api-extractor.json"),
      packageJsonFullPath: join(ROOT, "package.json"),
      configObject: {
        projectFolder: folder,
        mainEntryPointFilePath: join(folder, types),
        compiler: { tsconfigFilePath: join(folder, "tsconfig.json") },
        apiReport: {
          enabled: true,
          reportFileName: `${name}.api.md`,
          reportFolder: join(folder, "out"),
          reportTempFolder: join(folder, "temp"),
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        newlineKind: "lf",
        messages: {
          compilerMessageReporting: { default: { logLevel: "error" } },
          extractorMessageReporting: { default: { logLevel: "none" } },
          tsdocMessageReporting: { default: { logLevel: "none" } },
        },
      },
    });
    mkdirSync(join(folder, "out"), { recursive: true });
    const { errorCount } = Extractor.invoke(config, {
      localBuild: true,
      showVerboseMessages: false,
      messageCallback: quiet,
    });
    if (errorCount > 0) throw new StepError(`api-extractor found ${errorCount} errors in the declarations of ${name}`);
    texts.set(`${name}.api.md`, readFileSync(join(folder, "out", `${name}.api.md`), "utf8"));
  }
  return texts;
}

/** Errors are printed; everything else, the tool's word about its compiler's age above all, is not. @param {{ logLevel: string, handled: boolean }} message */
function quiet(message) {
  if (message.logLevel !== "error") message.handled = true;
}

/** @param {boolean} writes whether the reports are brought up to date. @returns {Promise<string[]>} the reports that differ. */
export async function surface(writes) {
  // Beside the sources: below node_modules api-extractor would take every file for another package's.
  const folder = mkdtempSync(join(ROOT, "dist.api-"));
  try {
    await must(
      packageBinary("tsc"),
      [
        "-p",
        "tsconfig.build.json",
        "--emitDeclarationOnly",
        "--sourceMap",
        "false",
        "--inlineSources",
        "false",
        "--outDir",
        folder,
      ],
      { quiet: true },
    );
    const compilerOptions = {
      skipLibCheck: true,
      target: "ES2022",
      lib: ["ES2023", "ESNext.Disposable"],
      module: "NodeNext",
      moduleResolution: "NodeNext",
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["**/*.d.ts"] }));
    const texts = report(folder);
    checkDocumented(texts);
    mkdirSync(REPORTS, { recursive: true });
    const differing = [];
    for (const [file, text] of texts) {
      const path = join(REPORTS, file);
      if (readOr(path, "") === text) continue;
      differing.push(file);
      if (writes) writeFileSync(path, text);
    }
    for (const file of readdirSync(REPORTS)) {
      if (texts.has(file)) continue;
      differing.push(file);
      if (writes) rmSync(join(REPORTS, file));
    }
    return differing;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Every export promises something. Generated codecs are known by their messages. @param {Map<string, string>} texts */
function checkDocumented(texts) {
  const bare = [...texts.values()].flatMap((text) => [
    ...text.matchAll(/^\/\/ @public \(undocumented\)\n(export .*)$/gm),
  ]);
  const ours = new Set(bare.flatMap(([, line = ""]) => (line.includes(": MessageFns<") ? [] : [line])));
  if (ours.size > 0) throw new StepError(`without a docstring:\n${[...ours].join("\n")}`);
}

/** @param {string} path @param {string} otherwise */
function readOr(path, otherwise) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    const differing = await surface(true);
    say(
      differing.length === 0
        ? "docs/api is up to date"
        : `wrote ${differing.map((file) => `docs/api/${file}`).join(", ")}`,
    );
  });
}
