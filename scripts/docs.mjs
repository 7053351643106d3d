// `npm run docs`: the API reference, built from the docstrings behind package.json's doors into docs/reference (not committed).
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bringNpmPackages } from "./bring.mjs";
import { main, must, ROOT, say } from "./steps.mjs";

const DOORS = ["services/index.ts", "api/client/index.ts", "metadata/index.ts", "runtime/index.ts"];
const OUTPUT = "docs/reference";

await main(async () => {
  await bringNpmPackages();
  rmSync(join(ROOT, OUTPUT), { recursive: true, force: true });
  const options = [
    ["--tsconfig", "tsconfig.json"],
    ["--name", "berthd"],
    ["--out", OUTPUT],
    ["--readme", "none"],
    ["--validation.invalidLink", "true"],
    ["--validation.notExported", "false"],
    ["--logLevel", "Warn"],
  ];
  const flags = ["--excludePrivate", "--excludeInternal", "--treatWarningsAsErrors", "--disableSources"];
  // Its own TypeScript is an older one, and lies beside it.
  const program = join(ROOT, "tools", "docs", "node_modules", ".bin", "typedoc");
  await must(program, [...options.flat(), ...flags, ...DOORS]);
  say(`the API reference is ${OUTPUT}/index.html`);
});
