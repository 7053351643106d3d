// `npm run test:node24`: the tests on another release of Node, which comes from npm with its headers. They run in a copy of the
// tree in a temporary folder, since compiled packages fit one release only; nothing of it stays. Arguments go to vitest.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { main, must, ROOT, run, StepError, say } from "./steps.mjs";

/** Every file of the tree as it is now, tracked or not. */
async function filesOfTree() {
  const output = await must("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { quiet: true });
  return output.split("\0").filter((path) => path !== "");
}

/** @param {string} folder */
async function copyTree(folder) {
  for (const path of await filesOfTree()) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    // A file that was removed and not committed is still listed.
    cpSync(join(ROOT, path), target, { errorOnExist: false, force: true, verbatimSymlinks: true });
  }
}

await main(async () => {
  const [major, ...args] = process.argv.slice(2);
  if (major === undefined || !/^\d+$/.test(major)) throw new StepError("usage: test-node.mjs MAJOR [ARGUMENT...]");
  const folder = mkdtempSync(join(tmpdir(), `berth-node${major}-`));
  // Tests run programs of this tree as ordinary users too.
  chmodSync(folder, 0o755);
  try {
    const tree = join(folder, "tree");
    const name = `node-${process.platform}-${process.arch}`;
    say(`Node ${major} from npm: ${name}@${major}`);
    await must("npm", ["install", "--prefix", folder, "--no-fund", "--no-audit", `${name}@${major}`], { quiet: true });
    const home = join(folder, "node_modules", name);
    const env = { PATH: [join(home, "bin"), process.env["PATH"] ?? ""].join(delimiter), npm_config_nodedir: home };
    await copyTree(tree);
    const { status } = await run(join(home, "bin", "node"), [join(tree, "scripts", "test.mjs"), ...args], {
      env,
      cwd: tree,
    });
    return status;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
