// Writes the reference and the manual into a folder: `write.ts FOLDER`. scripts/docs-cli.mjs puts them where they belong.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildInfo } from "../../shared/build-info.js";
import { describeProgram } from "./describe.js";
import { renderMarkdown } from "./markdown.js";
import { renderRoff } from "./roff.js";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: write.ts FOLDER");
// Defaults are told as root sees them, and without what this environment says.
process.getuid = () => 0;
for (const name of Object.keys(process.env)) if (/^(BERTH|CONTAINERD)_/.test(name)) delete process.env[name];
const described = await describeProgram();
writeFileSync(join(folder, "cli.md"), renderMarkdown(described));
writeFileSync(join(folder, "berth.1"), renderRoff(described, buildInfo().version));
