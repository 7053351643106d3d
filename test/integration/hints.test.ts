// What berth advises when a command fails, against a daemon that has what the advice is about.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { hintFor } from "../../cmd/berth/hints.js";
import { Output } from "../../cmd/berth/output.js";
import { createProgram } from "../../cmd/berth/program.js";
import { createCli } from "../helpers/cli.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";

const NAMESPACE = "hinted";
const scope = new DisposeScope();
let engine: Berthd;
let client: Client;

beforeAll(async () => {
  engine = await startBerthd(scope);
  client = scope.use(connect({ address: engine.address, namespace: NAMESPACE }));
  const record = { image: "", labels: {}, snapshotter: "", snapshotKey: "", spec: anyOfJson(SPEC_TYPE, {}) };
  const runtime = { name: "io.berth.process.v1" };
  for (const id of ["webshop", "idle"]) await client.containers.create({}, { ...record, id, runtime });
  await client.containers.create({ namespace: "elsewhere" }, { ...record, id: "hidden", runtime });
  const target = { mediaType: "application/vnd.oci.image.manifest.v1+json", sizeBytes: 2, annotations: {} };
  const image = { name: "docker.io/library/shop:latest", labels: {} };
  await client.images.create({}, { ...image, target: { ...target, digest: `sha256:${"0".repeat(64)}` } });
  const busy = ["run", "-d", "--runtime", "io.berth.process.v1", "busy", "sleep", "1000"];
  expect((await createCli("berth", engine, NAMESPACE).run(busy)).code).toBe(0);
});
afterAll(async () => {
  await createCli("berth", engine, NAMESPACE).run(["tasks", "rm", "--force", "busy"]);
  await scope[Symbol.asyncDispose]();
});

/** The failure of a call and what is advised. */
async function failure(args: readonly string[], address = engine.address): Promise<unknown> {
  let told: unknown = "no failure";
  const program = createProgram("1", {
    chosen: () => {},
    run: async (command, flags, commander) => {
      await using called = connect({ address, namespace: NAMESPACE });
      const request = { namespace: NAMESPACE };
      const output = new Output({ format: "table" }, () => {});
      try {
        await command.run({ client: called, namespace: NAMESPACE, request, output }, commander);
      } catch (error) {
        told = await hintFor(error, { command, commander, client: called, namespace: NAMESPACE, address, flags });
      }
    },
  });
  await program.exitOverride().parseAsync([...args], { from: "user" });
  return told;
}

test.each([
  [["containers", "info", "nothing-like-it"], "berth ps -a shows what is there"],
  [["containers", "info", "webshpo"], "did you mean webshop?"],
  [["containers", "info", "hidden"], "namespace elsewhere has it: berth -n elsewhere …"],
  [["tasks", "kill", "idle"], "it has no task: berth tasks start -d idle starts one"],
  [["tasks", "start", "busy"], "it is running: berth attach busy"],
  [["containers", "rm", "busy"], "berth stop busy ends it first"],
  [["tasks", "rm", "busy"], "--force ends it first"],
  [["images", "tag", "shop", "x"], "did you mean docker.io/library/shop:latest?"],
  [
    ["images", "tag", "busybox", "x"],
    "berth images pull docker.io/library/busybox:latest pulls it, berth images ls shows what is there",
  ],
  [
    ["run", "--runtime", "io.containerd.runc.v2", "example.com/app", "x"],
    "--pull missing pulls it under its full name, example.com/app:latest",
  ],
  [["images", "tag", "docker.io/library/shop:latest", "docker.io/library/shop:latest"], /^--force takes the name/],
  [["namespaces", "rm", NAMESPACE], /^it is not empty: look with berth -n hinted containers ls, /],
  [["images", "pull", "localhost:1/none:1"], /^the daemon answers, so it is the registry: /],
  [["content", "get", "nonsense"], "berth content get --help shows what it takes"],
] as const)("%j: %s", async (args, hint) => {
  expect(await failure(args)).toEqual(typeof hint === "string" ? hint : expect.stringMatching(hint));
});

test("a daemon that is not there: why its socket was tried", async () => {
  const address = join(engine.dir, "none.sock");
  expect(await failure(["-a", address, "c", "ls"], address)).toMatch(/^that socket is the one that --address names; /);
  vi.stubEnv("BERTH_ADDRESS", "");
  vi.stubEnv("CONTAINERD_ADDRESS", address);
  expect(await failure(["c", "ls"], address)).toMatch(/^that socket is the one that \$CONTAINERD_ADDRESS names; /);
  vi.stubEnv("CONTAINERD_ADDRESS", "");
  expect(await failure(["c", "ls"], address)).toMatch(/^that socket is the default one; /);
  vi.unstubAllEnvs();
});
