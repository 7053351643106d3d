// Generates api/gen from api/proto, and api/gen/v2017 from api/proto-2017: the TypeScript messages and services, and the descriptor
// images that server reflection serves. All are committed. `--check` writes nothing and fails when what is committed is not what would be generated.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { main, must, packageBinary, ROOT, StepError, say } from "./steps.mjs";

const GEN = join(ROOT, "api", "gen");
/** Roots of protos that cannot be compiled together. The first one empties the folder. */
const ROOTS = [
  { input: ".", template: "buf.gen.yaml", image: "api.binpb" },
  { input: join("api", "proto-2017"), template: "buf.gen.2017.yaml", image: join("v2017", "api.binpb") },
];

/** Every file below a folder with its bytes. @param {string} folder @returns {Map<string, Buffer>} */
function filesOf(folder) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path)];
    }),
  );
}

/** Runs the generators into an empty folder. @param {string} folder */
async function generateInto(folder) {
  const path = `${join(ROOT, "node_modules", ".bin")}:${process.env["PATH"] ?? ""}`;
  const options = { env: { PATH: path }, quiet: true };
  for (const { input, template, image } of ROOTS) {
    await must(packageBinary("buf"), ["generate", input, "--template", template, "--output", folder], options);
    await must(
      packageBinary("buf"),
      ["build", input, "--as-file-descriptor-set", "--exclude-source-info", "-o", join(folder, "api", "gen", image)],
      options,
    );
  }
}

/**
 * Compares or replaces api/gen. Files are written one by one where they differ, so that a tree in use stays whole.
 * @param {boolean} write
 * @returns {Promise<string[]>} the files that differ
 */
export async function generate(write) {
  const folder = mkdtempSync(join(tmpdir(), "berth-generate-"));
  try {
    await generateInto(folder);
    const fresh = filesOf(join(folder, "api", "gen"));
    const present = filesOf(GEN);
    const changed = [...fresh].filter(([name, bytes]) => !present.get(name)?.equals(bytes)).map(([name]) => name);
    const stale = [...present.keys()].filter((name) => !fresh.has(name));
    if (write) {
      for (const name of changed) {
        mkdirSync(dirname(join(GEN, name)), { recursive: true });
        writeFileSync(join(GEN, name), /** @type {Buffer} */ (fresh.get(name)));
      }
      for (const name of stale) rmSync(join(GEN, name));
    }
    return [...changed, ...stale].sort();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    const check = process.argv.includes("--check");
    const differing = await generate(!check);
    if (check && differing.length > 0) {
      throw new StepError(`api/gen is not what the protos generate (${differing.join(", ")}): npm run generate`);
    }
    say(check ? "api/gen is up to date" : `generated api/gen, ${differing.length} files changed`);
  });
}
