// Completion as a person sees it: real shells read what `berth completion` prints, and TAB is pressed.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { complete } from "../../cmd/berth/completion/complete.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { ownProgram } from "../helpers/own-program.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { openTerminal } from "../helpers/terminal.js";

const scope = new DisposeScope();
let engine: Berthd;
let client: Client;
/** A folder with `berth` in it, and a folder to be in. */
let bin: string;
let here: string;

beforeAll(async () => {
  engine = await startBerthd(scope);
  client = scope.use(connect({ address: engine.address, namespace: "shells" }));
  const dir = await tempDir(scope);
  [bin, here] = [join(dir, "bin"), join(dir, "here")];
  await Promise.all([mkdir(bin), mkdir(here)]);
  const words = ownProgram("berth").map((word) => `'${word}'`);
  const env = `export BERTH_ADDRESS='${engine.address}' BERTH_NAMESPACE=shells`;
  await writeFile(join(bin, "berth"), `#!/bin/sh\n${env}\nexec ${words.join(" ")} "$@"\n`, { mode: 0o755 });
  await writeFile(join(here, "archive.tar"), "");
  const runtime = { name: "io.containerd.runc.v2" };
  for (const id of ["webshop", "database"]) {
    const spec = anyOfJson(SPEC_TYPE, {});
    await client.containers.create({}, { id, image: "", runtime, spec, labels: {}, snapshotter: "", snapshotKey: "" });
  }
  const target = { mediaType: "application/vnd.oci.image.manifest.v1+json", sizeBytes: 2, annotations: {} };
  const digest = `sha256:${"0".repeat(64)}`;
  await client.images.create({}, { name: "example.com/shop:v17", labels: {}, target: { ...target, digest } });
});
afterAll(() => scope[Symbol.asyncDispose]());

test.each([
  [["tas"], ["tasks\tmanage tasks"]],
  [["t", "att"], ["attach\tattach to the IO of a task"]],
  [
    ["containers", "rm", ""],
    ["database", "webshop"],
  ],
  [["c", "rm", "webshop", ""], ["database"]],
  [["-n", "elsewhere", "c", "rm", ""], []],
  [["-n", "she"], ["shells"]],
  [
    ["--format", "js"],
    ["json", "jsonl"],
  ],
  [["c", "ls", "--format=w"], ["--format=wide"]],
  [["c", "rm", "--keep"], ["--keep-snapshot\tleave its snapshot alone"]],
  [["i", "rm", "example"], ["example.com/shop:v17"]],
  [["i", "import", ""], [":file"]],
  [["t", "kill", "-s", "SIGTE"], ["SIGTERM"]],
  [["run", "example.com/shop:v17", "id", "--pu"], []],
  [["no", "such", ""], []],
  [["-a", "/nope.sock", "c", "rm", ""], []],
] as const)("%j may become %j", async (words, expected) => {
  expect((await complete(["-a", engine.address, "-n", "shells", ...words])).sort()).toEqual(expected);
});

describe.skipIf(requires.binary("bash"))("bash", () => {
  test("TAB completes ids, names with colons, values and files", async () => {
    await using shell = openTerminal("bash", ["--norc", "--noprofile", "-i"]);
    shell.type(
      `PS1='ready> '; PATH='${bin}':$PATH; cd '${here}'; eval "$(berth completion bash)"; echo set-$((1+1))\n`,
    );
    await shell.waitForScreen(/set-2\r\n/);
    for (const [typed, completed] of [
      ["berth c info webs\t", "berth c info webshop "],
      ["berth i rm example.com/shop:v\t", "berth i rm example.com/shop:v17 "],
      ["berth c ls --format=wi\t", "berth c ls --format=wide "],
      ["berth i import arch\t", "berth i import archive.tar "],
    ] as const) {
      shell.type(typed);
      await shell.waitForScreen(new RegExp(`${completed.replaceAll(".", "\\.")}$`));
      shell.type("\u0015");
    }
  });
});

describe.skipIf(requires.binary("zsh"))("zsh", () => {
  test("TAB completes verbs, names with colons, and files", async () => {
    await using shell = openTerminal("zsh", ["-f", "-i"]);
    const setup = `PROMPT='ready> ' zle_highlight=(none); PATH='${bin}':$PATH; cd '${here}'; autoload -Uz compinit; compinit -u -D`;
    shell.type(`${setup}; eval "$(berth completion zsh)"; echo set-$((1+1))\n`);
    await shell.waitForScreen(/set-2\r\n/);
    for (const [typed, completed] of [
      ["berth containers inf\t", "info "],
      ["berth i rm example.com/shop:v\t", "example.com/shop:v17 "],
      ["berth i import arch\t", "archive.tar "],
    ] as const) {
      shell.type(typed);
      await shell.waitForScreen(new RegExp(`${completed.replaceAll(".", "\\.")}$`));
      shell.type("\u0015");
    }
  });
});

describe.skipIf(requires.binary("fish"))("fish", () => {
  test("offers verbs with what they do, ids, names with colons, and files", async () => {
    const lines = ["containers inf", "c info webs", "i rm example.com/shop:v", "i import arch"];
    const asked = lines.map((line) => `complete -C 'berth ${line}'`).join("; ");
    const script = `set -x PATH '${bin}' $PATH; cd '${here}'; berth completion fish | source; ${asked}`;
    const { code, stdout, stderr } = await runProgram("fish", ["--no-config", "-c", script]);
    const offered = "info\tget info about a container\nwebshop\nexample.com/shop:v17\narchive.tar\n";
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: offered, stderr: "" });
  });
});
