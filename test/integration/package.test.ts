// The package as somebody gets it: packed, unpacked into a project of its own, loaded by both kinds of modules, its doors typed.
// The dependencies are those of this checkout, by links, so that nothing is fetched.
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { tempDir } from "../helpers/temp.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MODULES = join(ROOT, "node_modules");
const DEADLINE_MS = 60_000;
const run = promisify(execFile);
const scope = new DisposeScope();
let project: string;

/** What a script of the project prints; it has to end by itself, without a warning. */
async function script(name: string, text: string): Promise<string> {
  await writeFile(join(project, name), text);
  const { stdout, stderr } = await run(process.execPath, [name], { cwd: project, timeout: DEADLINE_MS });
  expect(stderr).toBe("");
  return stdout.trim();
}

beforeAll(async () => {
  project = await tempDir(scope);
  const tree = join(project, "tree");
  const shipped = ["package.json", "README.md", "LICENSE", "CHANGELOG.md", "bin", "docs", "packaging", "api/proto"];
  for (const path of shipped) await cp(join(ROOT, path), join(tree, path), { recursive: true });
  // Compiled here, since dist may be older than the sources.
  await run(join(MODULES, ".bin/tsc"), ["-p", "tsconfig.build.json", "--outDir", join(tree, "dist")], { cwd: ROOT });
  await cp(join(ROOT, "api/gen/api.binpb"), join(tree, "dist/api/gen/api.binpb"));
  await run("npm", ["pack", "--offline", "--ignore-scripts", "--pack-destination", project], { cwd: tree });
  const [archive = ""] = (await readdir(project)).filter((name) => name.endsWith(".tgz"));
  const home = join(project, "node_modules/berthd");
  await mkdir(home, { recursive: true });
  await run("tar", ["-xzf", join(project, archive), "--strip-components=1", "-C", home]);
  for (const name of await readdir(MODULES)) await symlink(join(MODULES, name), join(project, "node_modules", name));
}, DEADLINE_MS);
afterAll(() => scope[Symbol.asyncDispose]());

test("every door opens from CommonJS, and opening them starts nothing", async () => {
  const text = `
    const before = process.eventNames().join();
    for (const door of ["", "/client", "/metadata", "/runtime", "/api/core/errors", "/api/gen/services/tasks/v1/tasks"])
      if (Object.keys(require("berthd" + door)).length === 0) throw new Error(door);
    const natives = process.report.getReport().sharedObjects.filter((path) => path.endsWith(".node"));
    console.log(JSON.stringify([process.eventNames().join() === before, process.getActiveResourcesInfo(), natives]));`;
  const [sameHandlers, resources, natives] = JSON.parse(await script("doors.cjs", text));
  expect(sameHandlers).toBe(true);
  expect(resources.filter((name: string) => !name.endsWith("Wrap"))).toEqual([]);
  expect(natives).toEqual([]);
});

test("the client's door does without SQLite", async () => {
  const text = `
    import { register } from "node:module";
    register("data:text/javascript," + encodeURIComponent(\`export async function resolve(name, context, next) {
      if (name === "better-sqlite3") throw new Error("SQLite was asked for");
      return await next(name, context);
    }\`));
    const { connect, isFailedPrecondition } = await import("berthd/client");
    const client = connect({ address: "/nowhere.sock" });
    await client[Symbol.asyncDispose]();
    await client.version().catch((error) => console.log(isFailedPrecondition(error), error.message));`;
  expect(await script("client.mjs", text)).toBe(
    'true the client of "/nowhere.sock" has been closed: failed precondition',
  );
});

test("two daemons live in one process, and a bad option is told as one", async () => {
  const text = `
    import { connect, createDaemon, isInvalidArgument } from "berthd";
    const start = (name) => {
      const folder = process.cwd() + "/" + name;
      return createDaemon({ root: folder + "/root", state: folder + "/state", address: folder + "/b.sock" });
    };
    const daemons = await Promise.all([start("a"), start("b")]);
    const clients = daemons.map(({ address }) => connect({ address, namespace: "example" }));
    await clients[0].namespaces.create({}, { name: "only-here", labels: {} });
    for (const client of clients) console.log((await client.namespaces.list({})).map(({ name }) => name).join());
    for (const open of [...clients, ...daemons]) await open[Symbol.asyncDispose]();
    await createDaemon({ root: "relative" }).catch((error) => console.log(isInvalidArgument(error), error.message));`;
  expect((await script("two.mjs", text)).split("\n")).toEqual([
    "only-here",
    "",
    "true options of the daemon: root: must be an absolute path: invalid argument",
  ]);
});

test("the doors are typed for a strict project that also checks libraries, and so are the examples", async () => {
  await cp(join(ROOT, "examples"), project, { recursive: true });
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: "nodenext",
    target: "es2022",
    lib: ["es2023", "esnext.disposable"],
    types: ["node"],
  };
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module", private: true }));
  await writeFile(
    join(project, "doors.ts"),
    `export type * from "berthd"; export type * as a from "berthd/client"; export type * as b from "berthd/metadata";
     export type * as c from "berthd/runtime";`,
  );
  const files = (await readdir(project)).filter((name) => name.endsWith(".ts"));
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const { stdout } = await run(join(MODULES, ".bin/tsc"), ["-p", "."], { cwd: project });
  expect(stdout).toBe("");
});

test("the package holds what it promises, and no tests", async () => {
  const home = join(project, "node_modules/berthd");
  const files = await readdir(home, { recursive: true });
  expect(files.filter((name) => /\.test\.|^test\b|\.ts$(?<!\.d\.ts)/.test(name))).toEqual([]);
  const { exports } = JSON.parse(await readFile(join(home, "package.json"), "utf8"));
  const doors = Object.values<string | Record<string, string>>(exports).flatMap((door) => Object.values(Object(door)));
  const missing = doors.filter((path) => typeof path === "string" && path.startsWith("./dist") && !path.includes("*"));
  expect(missing.filter((path) => !files.includes(String(path).slice(2)))).toEqual([]);
});
