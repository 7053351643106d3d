// The command reference (docs/cli.md) and the manual page (packaging/man/berth.1), made of the definitions in cmd/berth.
// `docs-cli.mjs` writes them, `--check` compares them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { main, must, packageBinary, ROOT, StepError, say } from "./steps.mjs";

const PAGES = [
  { made: "cli.md", path: join("docs", "cli.md") },
  { made: "berth.1", path: join("packaging", "man", "berth.1") },
];

/** @param {boolean} writes whether they are brought up to date. @returns {Promise<string[]>} those that differ. */
export async function cliDocs(writes) {
  const folder = mkdtempSync(join(tmpdir(), "berth-docs-"));
  try {
    await must(packageBinary("tsx"), [join("cmd", "berth", "reference", "write.ts"), folder], { quiet: true });
    return PAGES.flatMap(({ made, path }) => {
      const text = readFileSync(join(folder, made), "utf8");
      const file = join(ROOT, path);
      if (readOr(file, "") === text) return [];
      if (writes) {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
      }
      return [path];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
    const isCheck = process.argv.includes("--check");
    const differing = await cliDocs(!isCheck);
    if (isCheck && differing.length > 0) {
      throw new StepError(`differs from the commands (${differing.join(", ")}): npm run docs:cli`);
    }
    say(differing.length === 0 ? "up to date" : `written: ${differing.join(", ")}`);
  });
}
