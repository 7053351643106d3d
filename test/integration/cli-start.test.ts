// What the commands load that are started most: counted, since each module and each package is time before the first call.
import { readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { PROCESS_RUNTIME, processShimFolder, withFolder } from "../helpers/process-shim.js";
import { runProgram } from "../helpers/program.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = join(ROOT, "cmd/berth/main.ts");

/** Hooks of Node's loader that note the address of each module in the file of this name. */
const recorder = (file: string): string => {
  const hooks = `import { appendFileSync } from "node:fs";
    export async function load(url, context, next) {
      appendFileSync(${JSON.stringify(file)}, url + "\\n");
      return await next(url, context);
    }`;
  const text = `import { register } from "node:module";
    register("data:text/javascript," + ${JSON.stringify(encodeURIComponent(hooks))});`;
  return `data:text/javascript,${encodeURIComponent(text)}`;
};

const scope = new DisposeScope();
let daemon: Berthd;
let namespace: string;
let made = 0;

/** Runs berth from its sources to a good end. */
async function loaded(...args: string[]): Promise<{ modules: string[]; packages: string[] }> {
  made += 1;
  const file = join(daemon.dir, `loaded${made}`);
  const tsx = fileURLToPath(import.meta.resolve("tsx"));
  const words = ["--import", tsx, "--import", recorder(file), MAIN, "-a", daemon.address, "-n", namespace, ...args];
  expect(await runProgram(process.execPath, words)).toMatchObject({ code: 0, stderr: "" });
  const modules = new Set<string>();
  const packages = new Set<string>();
  for (const url of (await readFile(file, "utf8")).split("\n")) {
    if (!url.startsWith("file:")) continue;
    const [place = "", inside] = relative(ROOT, fileURLToPath(url)).split(`node_modules${sep}`);
    if (inside === undefined) modules.add(place);
    else packages.add(inside.split(sep, inside.startsWith("@") ? 2 : 1).join("/"));
  }
  return { modules: [...modules].sort(), packages: [...packages].sort() };
}

beforeAll(async () => {
  namespace = freshNamespace(scope);
  daemon = await startBerthd(scope, { env: withFolder(await processShimFolder(scope)), dir: await tempDir(scope) });
});
afterAll(() => scope[Symbol.asyncDispose]());

const CALLS = ["@bufbuild/protobuf", "@grpc/grpc-js", "commander"];

test("help loads no client, and no command", async () => {
  const { modules, packages } = await loaded("--help");
  expect(packages).toEqual(["commander"]);
  expect(modules.filter((path) => path.startsWith("api/gen/"))).toEqual([]);
  expect(modules.length, modules.join("\n")).toBeLessThanOrEqual(40);
});

test("version loads the client, and no other command", async () => {
  const { modules, packages } = await loaded("version");
  expect(packages).toEqual(CALLS);
  expect(modules.length, modules.join("\n")).toBeLessThanOrEqual(115);
});

test("run of a process loads what it needs for that", async () => {
  const { modules, packages } = await loaded("run", "--rm", "--runtime", PROCESS_RUNTIME, `${namespace}-one`, "true");
  expect(packages).toEqual(CALLS);
  expect(modules.length, modules.join("\n")).toBeLessThanOrEqual(160);
});
