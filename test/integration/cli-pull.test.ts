// `berth images pull` and `push` against a real registry: what is shown, signals in the middle, passwords, and running what is pulled.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { busyboxLayer, LINUX_ARM64, noiseLayer, testImage, testIndex } from "../helpers/image.js";
import { REGISTRY_USER, seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const lacking = requires.root() || requires.binary("docker-registry");
const BIG_BYTES = 20_000_000;
/** Of what is to be interrupted on its way. */
const CUT_BYTES = 60_000_000;

describe.skipIf(lacking)("berth images pull and push", () => {
  const scope = new DisposeScope();
  let engine: Engine;
  let registry: TestRegistry;
  let ref: string;

  beforeAll(async () => {
    [engine, registry] = await Promise.all([startBerthd(scope), startRegistry(scope)]);
    const base = await busyboxLayer();
    const amd = testImage([base, noiseLayer("big", BIG_BYTES)]);
    await seedRegistry(registry, "test/app", "1", testIndex([amd, testImage([base], { platform: LINUX_ARM64 })]));
    // Namespaces share content: what is to be interrupted must not have come with the other.
    await seedRegistry(registry, "test/cut", "1", testImage([base, noiseLayer("cut", CUT_BYTES)]));
    ref = `${registry.host}/test/app:1`;
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  const fresh = (): { cli: Cli; namespace: string } => {
    const namespace = freshNamespace(scope);
    return { cli: createCli("berth", engine, namespace), namespace };
  };

  test("a pull tells what it does, a second one finds it all, and the image runs", async () => {
    const { cli } = fresh();
    const first = await cli.run(["i", "pull", "--print-chainid", "--label", "a=b", ref]);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toMatch(/^.*: resolved$/m);
    expect(first.stdout.match(/^layer-sha256:\w+: done /gm)).toHaveLength(2);
    expect(first.stdout.match(/^layer-sha256:\w+: unpacked /gm)).toHaveLength(2);
    expect(first.stdout).toMatch(/^image chain ID: sha256:\w{64}$/m);
    const second = await cli.run(["i", "pull", ref]);
    expect(second.stdout.match(/: exists /g)).toHaveLength(5);
    expect(second.stdout).toMatch(/^elapsed: .* total: 0\.0 B/m);
    expect((await cli.run(["i", "ls"])).stdout).toMatch(/linux\/amd64,linux\/arm64 a=b/);
    expect(await cli.run(["run", "--rm", ref, "r1", "/bin/echo", "pulled"])).toMatchObject({
      code: 0,
      stdout: "pulled\n",
    });
  });

  test("on a terminal one block is drawn again and again", async () => {
    const { cli } = fresh();
    await using terminal = cli.terminal(["i", "pull", ref], { columns: 100, rows: 30 });
    const { code, screen } = await terminal.exit;
    expect(code).toBe(0);
    expect(screen).toContain("\u001b[1A\u001b[2K");
    expect(screen).toMatch(/layer-sha256:\w{8}: +unpacked +\|\++\|/);
  });

  test("an interrupted pull keeps what it has fetched and nothing else, and the next one goes on", async () => {
    const { cli, namespace } = fresh();
    await using client = connect({ address: engine.address, namespace });
    await using program = await cli.start(["i", "pull", `${registry.host}/test/cut:1`]);
    const offset = await until("some of the layer to be here", async () => {
      const [ingest] = (await client.content.listStatuses({})).filter(({ totalBytes }) => totalBytes >= CUT_BYTES);
      return ingest === undefined || ingest.offsetBytes === 0 ? undefined : ingest.offsetBytes;
    });
    program.signal("SIGINT");
    expect(await program.result).toMatchObject({ code: 130, stderr: expect.stringMatching(/interrupted by SIGINT/) });
    // What was fetched is kept for the next try, by a lease that ends by itself.
    const leases = await client.leases.list({});
    expect(leases.map(({ labels }) => labels["berth.io/pull.unfinished"])).toEqual([`${registry.host}/test/cut:1`]);
    expect(await client.images.list({})).toEqual([]);
    expect(offset).toBeGreaterThan(0);
    expect(await cli.run(["i", "pull", `${registry.host}/test/cut:1`])).toMatchObject({ code: 0 });
    expect(await client.content.listStatuses({})).toEqual([]);
    expect(await client.leases.list({})).toEqual([]);
  });

  test("run --pull: never by default, missing and always fetch", async () => {
    const { cli } = fresh();
    expect(await cli.run(["run", "--rm", ref, "p1", "/bin/true"])).toMatchObject({ code: 125 });
    const run = ["run", "--rm", "--pull", "missing", ref, "p1", "/bin/echo", "ran"];
    const first = await cli.run(run);
    expect(first).toMatchObject({ code: 0, stdout: "ran\n", stderr: expect.stringMatching(/: saved/) });
    expect(await cli.run(run)).toMatchObject({ code: 0, stdout: "ran\n", stderr: "" });
    const always = await cli.run(run.map((word) => (word === "missing" ? "always" : word)));
    expect(always).toMatchObject({ code: 0, stdout: "ran\n", stderr: expect.stringMatching(/: resolved/) });
  });

  test("a push under another name, and one platform alone", async () => {
    const { cli } = fresh();
    await cli.run(["i", "pull", "--all-platforms", ref]);
    expect(await cli.run(["i", "push", `${registry.host}/copy/app:2`, ref])).toMatchObject({ code: 0, stderr: "" });
    const one = ["i", "push", "--platform", "linux/arm64", `${registry.host}/copy/arm:1`, ref];
    expect(await cli.run(one)).toMatchObject({ code: 0, stderr: "" });
    expect(await cli.run(["i", "pull", `${registry.host}/copy/app:2`])).toMatchObject({ code: 0 });
    await cli.run(["i", "pull", "--platform", "linux/arm64", `${registry.host}/copy/arm:1`]);
    const listed = (await cli.run(["i", "ls", "name~=copy"])).stdout;
    expect(listed).toMatch(/copy\/app:2 +application\/vnd.oci.image.index.*linux\/amd64,linux\/arm64 /);
    expect(listed).toMatch(/copy\/arm:1 +application\/vnd.oci.image.manifest.* linux\/arm64 /);
  });

  test("what cannot be pulled is told in one line, and a password lets in", async () => {
    const { cli } = fresh();
    expect(await cli.run(["i", "pull", `${registry.host}/test/app:9`])).toMatchObject({ code: 3 });
    expect(await cli.run(["i", "pull", "busybox"])).toMatchObject({ code: 2 });
    const locked = await startRegistry(scope, { needsPassword: true });
    const target = `${locked.host}/own/app:1`;
    await cli.run(["i", "pull", ref]);
    const refused = await cli.run(["i", "push", "--platform", "linux/amd64", target, ref]);
    expect(refused.code).not.toBe(0);
    const user = `${REGISTRY_USER.username}:${REGISTRY_USER.secret}`;
    const pushed = await cli.run([
      "i",
      "push",
      "--http-dump",
      "--platform",
      "linux/amd64",
      "--user",
      user,
      target,
      ref,
    ]);
    expect(pushed.code).toBe(0);
    expect(pushed.stderr).toMatch(/authorization: \(not shown\)/i);
    expect(`${pushed.stderr}${refused.stderr}`).not.toContain(REGISTRY_USER.secret);
    expect(await cli.run(["i", "pull", "--user", user, target])).toMatchObject({ code: 0 });
  });
});
