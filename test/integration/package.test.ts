// The package as somebody gets it: packed, unpacked into a project of its own, loaded by both kinds of modules, its doors typed.
// The dependencies are those of this checkout, by links, so that nothing is fetched.
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { distIsFresh } from "../helpers/own-program.js";
import { tempDir } from "../helpers/temp.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MODULES = join(ROOT, "node_modules");
const DEADLINE_MS = 180_000;
const run = promisify(execFile);
const scope = new DisposeScope();
let project: string;

/** What a script of the project prints; it has to end by itself, without a warning. */
async function script(name: string, text?: string): Promise<string> {
  if (text !== undefined) await writeFile(join(project, name), text);
  const { stdout, stderr } = await run(process.execPath, [name], { cwd: project, timeout: DEADLINE_MS });
  expect(stderr).toBe("");
  return stdout.trim();
}

beforeAll(async () => {
  project = await tempDir(scope);
  const tree = join(project, "tree");
  const shipped = [
    "package.json",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "bin",
    "docs",
    "packaging",
    "api/proto",
    "api/proto-2017",
  ];
  for (const path of shipped) await cp(join(ROOT, path), join(tree, path), { recursive: true });
  const dist = join(tree, "dist");
  if (distIsFresh()) await cp(join(ROOT, "dist"), dist, { recursive: true });
  else {
    await run(join(MODULES, ".bin/tsc"), ["-p", "tsconfig.build.json", "--outDir", dist], { cwd: ROOT });
    for (const image of ["api.binpb", "v2017/api.binpb"])
      await cp(join(ROOT, "api/gen", image), join(dist, "api/gen", image));
  }
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
      if (name.includes("better-sqlite3")) throw new Error("SQLite was asked for");
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

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  target: "es2022",
  lib: ["es2023", "esnext.disposable"],
  types: ["node"],
};

/** A folder of the project with a kind of modules of its own, for TypeScript. Answers what the compiler says; nothing is good. */
async function compile(
  name: string,
  type: "module" | "commonjs",
  compilerOptions: object,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const dir = join(project, name);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "package.json"), JSON.stringify({ type, private: true }));
  for (const [file, text] of Object.entries(files)) await writeFile(join(dir, file), text);
  const config = { compilerOptions: { ...STRICT, ...compilerOptions }, include: ["*.ts", "*.mts", "*.cts"] };
  await writeFile(join(dir, "tsconfig.json"), JSON.stringify(config));
  const compiler = run(join(MODULES, ".bin/tsc"), ["-p", "."], { cwd: dir });
  return await compiler.then(
    ({ stdout }) => stdout,
    (error: { readonly stdout: string }) => error.stdout || String(error),
  );
}

const EVERY_DOOR = `
  export type * from "berthd"; export type * as a from "berthd/client"; export type * as b from "berthd/metadata";
  export type * as c from "berthd/runtime"; export type * as d from "berthd/api/core/errors";
  export type * as e from "berthd/api/gen/services/tasks/v1/tasks";`;
/** What a program says to the package; each kind of module has its own way to get hold of it. */
const USE = `
  const client: Client = connect({ address: "/nowhere.sock" });
  const wrong = (): Promise<Task> => client.run({
    process: true,
    args: ["true"],
    editSpec: (spec) => ({ ...spec, process: { ...spec.process, noNewPrivileges: true } }),
  });
  // @ts-expect-error One kind of thing to run at a time.
  const twice = () => client.run({ process: true, image: "busybox", args: ["true"] });
  // @ts-expect-error No such error.
  const isKind = (kind: ContainerdError["kind"]) => kind === "no such kind";
  void client[Symbol.asyncDispose]().then(() => client.version()).then(undefined, (error: unknown) => {
    console.log(error instanceof ContainerdError && error.kind, typeof createDaemon, [wrong, twice, isKind].length);
  });`;
const USED = "failed_precondition function 3";

test("the doors are typed for strict projects that also check libraries, whatever their modules are", async () => {
  const doors = { "doors.ts": EVERY_DOOR };
  const all = [
    compile("esm16", "module", { module: "node16", moduleResolution: "node16", noEmit: true }, doors),
    compile("esmnext", "module", { module: "nodenext", noEmit: true }, doors),
    compile("bundler", "module", { module: "esnext", moduleResolution: "bundler", noEmit: true }, doors),
    compile("cjsnext", "commonjs", { module: "nodenext", noEmit: true }, doors),
  ];
  expect(await Promise.all(all)).toEqual(all.map(() => ""));
});

test("a project of ES modules compiles against it and runs", async () => {
  const text = `import { type Client, connect, ContainerdError, createDaemon, type Task } from "berthd";\n${USE}`;
  const options = { module: "node16", moduleResolution: "node16" };
  expect(await compile("esm", "module", options, { "main.ts": text })).toBe("");
  expect(await script("esm/main.js")).toBe(USED);
});

test("a project of CommonJS modules compiles against it and runs: by require, and by import() for older compilers", async () => {
  const required = `import { type Client, connect, ContainerdError, createDaemon, type Task } from "berthd";\n${USE}`;
  const options = { module: "nodenext", moduleResolution: "nodenext" };
  expect(await compile("cjs", "commonjs", options, { "main.ts": required })).toBe("");
  expect(await readFile(join(project, "cjs/main.js"), "utf8")).toContain('require("berthd")');
  expect(await script("cjs/main.js")).toBe(USED);

  const imported = `
    import type { Client, Task } from "berthd" with { "resolution-mode": "import" };
    void import("berthd").then(({ connect, ContainerdError, createDaemon }) => {
      type ContainerdError = InstanceType<typeof ContainerdError>;
      ${USE}
    });`;
  const older = { module: "node16", moduleResolution: "node16" };
  expect(await compile("cjs16", "commonjs", older, { "main.ts": imported })).toBe("");
  expect(await script("cjs16/main.js")).toBe(USED);
});

test("the examples are typed for a project of whoever copies them", async () => {
  const names = (await readdir(join(ROOT, "examples"))).filter((name) => name.endsWith(".ts"));
  const read = names.map(async (name) => [name, await readFile(join(ROOT, "examples", name), "utf8")] as const);
  const files = Object.fromEntries(await Promise.all(read));
  expect(await compile("examples", "module", { module: "nodenext", noEmit: true }, files)).toBe("");
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
