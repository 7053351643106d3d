// What a person sees of `berth` at a terminal: shells in containers, coming and going, other sizes, and displays that are drawn in place.
import { createServer, connect as dial } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { busyboxLayer, noiseLayer, testImage } from "../helpers/image.js";
import { ownProgram } from "../helpers/own-program.js";
import { seedRegistry, startRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { openScreen, type Screen } from "../helpers/screen.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("tmux");
const ENGINES: readonly { name: string; start: (scope: DisposeScope) => Promise<Engine> }[] = [
  { name: "berthd", start: (scope) => startBerthd(scope) },
  { name: "containerd", start: startContainerd },
];
/** So wide that no line of the tests is broken. */
const SIZE = { columns: 200, rows: 24 };
const NARROW = { columns: 70, rows: 15 };

/** A screen on whose shell `berth` is ours, and speaks to this daemon. */
async function openDesk(scope: DisposeScope, engine: Engine, namespace: string): Promise<Screen> {
  const env = { BERTH_ADDRESS: engine.address, BERTH_NAMESPACE: namespace };
  const screen = await openScreen(scope, SIZE, env);
  await screen.enter(`berth() { ${ownProgram("berth").join(" ")} "$@"; }; clear`);
  return screen;
}

describe.skipIf(lacking).each(ENGINES)("a person at a terminal, on $name", ({ start }) => {
  const scope = new DisposeScope();
  let client: Client;
  let namespace: string;
  let rootfs: string;
  let screen: Screen;

  beforeAll(async () => {
    namespace = freshNamespace(scope);
    rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    const engine = await start(scope);
    client = scope.use(connect({ address: engine.address, namespace }));
    screen = await openDesk(scope, engine, namespace);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  /** The line that tells of leaving, and the host's prompt below it. */
  const left = (command: string) =>
    new RegExp(`^berth: detached from .*: berth -n ${namespace} ${command}\nhost\\$$`, "m");

  test("runs a shell, leaves it, comes back to it and ends it", async () => {
    const id = `${namespace}-shell`;
    await screen.enter(`berth run -t --env PS1='box$ ' --rootfs ${rootfs} ${id} /bin/sh`);
    await screen.waitFor(/^box\$$/m);
    // A terminal gets its size when the program runs already.
    const sized = 'until [ "$(stty size)" = "24 200" ]; do sleep 0.1; done';
    await screen.enter(`${sized}; clear; stty size; tty; kept=here`);
    await screen.waitFor(/^24 200\n\/dev\/pts\/0\nbox\$$/m);
    await screen.resize(NARROW);
    await screen.enter('until [ "$(stty size)" = "15 70" ]; do sleep 0.1; done; echo resized');
    await screen.waitFor(/^resized\nbox\$$/m);
    // The shell's own editing of lines would take the key for a letter.
    await screen.enter("echo going; sleep 1000");
    await screen.waitFor(/^going$/m);
    await screen.press("C-c");
    await screen.waitFor(/^\^C\nbox\$$/m);
    await screen.resize(SIZE);
    await screen.press("C-p", "C-q");
    await screen.waitFor(left(`attach ${id}`));
    await screen.enter("echo status=$?; stty -a | grep -o ' icanon'");
    await screen.waitFor(/^status=0\n icanon\nhost\$$/m);
    expect((await client.tasks.get({}, id, "")).status).toBe("running");

    await screen.enter(`clear; berth attach ${id}`);
    // The shell draws its prompt anew for whoever is back.
    await screen.waitFor(/^box\$$/);
    await screen.enter(`${sized}; clear; echo $kept; stty size`);
    await screen.waitFor(/^here\n24 200\nbox\$$/m);
    await screen.enter("exit 7");
    await screen.waitFor(/\nhost\$$/);
    await screen.enter("echo status=$?");
    await screen.waitFor(/^status=7\nhost\$$/m);
    expect(await client.tasks.list({})).toEqual([]);
  });

  test("detaches by other keys, or by none, and from what was started beside a task", async () => {
    const id = `${namespace}-keys`;
    // Every key reaches the program, and is shown.
    const raw = "stty raw opost echo echoctl; echo on; cat >/dev/null";
    const editor = `printf "\\033[?1049h\\033[?25l"; ${raw}`;
    await screen.enter(`clear; berth run -t --detach-keys 'ctrl-x,x' --rootfs ${rootfs} ${id} /bin/sh -c '${editor}'`);
    await screen.waitFor(/^on$/m);
    expect(await screen.isAlternate()).toBe(true);
    await screen.press("C-p", "C-q", "C-x", "y");
    await screen.waitFor(/^\^P\^Q\^Xy$/m);
    await screen.press("C-x", "C-x");
    await screen.waitFor(/^\^P\^Q\^Xy\^X$/m);
    await screen.press("x");
    await screen.waitFor(left(`attach ${id}`));
    expect(await screen.isAlternate()).toBe(false);

    await screen.enter(`clear; berth exec -t --env PS1='more$ ' --exec-id more ${id} /bin/sh`);
    await screen.waitFor(/^more\$$/m);
    await screen.press("C-p", "C-q");
    await screen.waitFor(left(`attach --exec-id more ${id}`));
    await screen.enter(`clear; BERTH_DETACH_KEYS= berth attach --exec-id more ${id}`);
    await screen.waitFor(/^more\$$/m);
    await screen.enter(raw);
    await screen.waitFor(/^on$/m);
    await screen.press("C-p", "C-q");
    await screen.waitFor(/\^P\^Q$/);
    await client.tasks.kill({}, id, "more", { signal: 9, all: false });
    await screen.waitFor(/\^P\^Qhost\$$/);
    await client.tasks.kill({}, id, "", { signal: 9, all: false });
    await screen.enter(`clear; berth attach ${id}; echo status=$?`);
    await screen.waitFor(/status=137\nhost\$$/m);
  });
});

describe.skipIf(lacking)("a person who watches", () => {
  const scope = new DisposeScope();
  let engine: Engine;
  let namespace: string;
  let rootfs: string;
  let screen: Screen;

  beforeAll(async () => {
    namespace = freshNamespace(scope);
    rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    engine = await startBerthd(scope);
    screen = await openDesk(scope, engine, namespace);
    await start("busy", "while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.1; done");
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const cli = () => createCli("berth", engine, namespace);
  async function start(id: string, script: string): Promise<void> {
    const args = ["run", "-d", "--null-io", "--memory-limit", "64m", "--rootfs", rootfs, id, "/bin/sh", "-c", script];
    expect(await cli().run(args)).toMatchObject({ code: 0, stderr: "" });
  }
  async function end(id: string): Promise<void> {
    await cli().run(["tasks", "kill", "-s", "9", id]);
    expect(await cli().run(["tasks", "rm", "-f", id])).toMatchObject({ code: 0 });
    expect(await cli().run(["containers", "rm", id])).toMatchObject({ code: 0 });
  }
  /** Lines whose first word this is. */
  const rows = (lines: readonly string[], word: string) => lines.filter((line) => line.startsWith(`${word} `)).length;

  test("stats are drawn over those before, in the width that there is", async () => {
    await screen.enter("clear; berth stats --interval 200ms");
    await screen.waitFor(/^busy +[1-9]\d*\.\d\d% +\S+ \/ 64\.0MiB .*\d$/m);
    await start("idle", "sleep 1000");
    const shown = await screen.waitFor(/^idle +\d/m);
    expect([rows(shown, "CONTAINER"), rows(shown, "busy"), rows(shown, "idle")]).toEqual([1, 1, 1]);
    await screen.resize({ columns: 40, rows: 10 });
    const narrow = await screen.waitFor(/^CONTAINER.{0,30}\n[^\n]{1,39}\n[^\n]{1,39}$/);
    expect(Math.max(...narrow.map((line) => line.length))).toBeLessThan(40);
    await screen.resize(SIZE);
    await screen.press("C-c");
    await screen.waitFor(/\nhost\$$/);
  });

  test("top shows the busiest first", async () => {
    await screen.enter("clear; berth top --interval 200ms");
    const shown = await screen.waitFor(/busy .*while :.*\n(.*\n)*.*idle .*sleep 1000/);
    expect(rows(shown, "CONTAINER")).toBe(1);
    await screen.press("C-c");
    await screen.waitFor(/\nhost\$$/);
  });

  test("ps --watch follows what comes and goes", async () => {
    await screen.enter("clear; berth ps --watch --interval 200ms");
    await screen.waitFor(/^idle .*Up /m);
    await end("idle");
    await screen.waitFor(/^CONTAINER [^\n]*\nbusy .*Up [^\n]*$/m);
    await start("later", "sleep 1000");
    const shown = await screen.waitFor(/^later .*Up /m);
    expect([rows(shown, "CONTAINER"), rows(shown, "busy"), rows(shown, "idle")]).toEqual([1, 1, 0]);
    await screen.press("C-c");
    await screen.waitFor(/\nhost\$$/);
    await end("later");
    await end("busy");
  });

  test("a process of the host is left and come back to as well", async () => {
    await screen.enter("clear; berth run -t --runtime io.berth.process.v1 host cat");
    await screen.enter("one");
    await screen.waitFor(/^one\none$/m);
    await screen.press("C-p", "C-q");
    await screen.waitFor(/ attach host\nhost\$$/);
    await screen.enter("clear; berth attach host");
    await screen.enter("two");
    await screen.waitFor(/^two\n(two\n)?two$/m);
    await screen.press("C-d");
    await screen.waitFor(/\nhost\$$/);
    expect(await cli().run(["containers", "rm", "host"])).toMatchObject({ code: 0 });
  });

  test.skipIf(requires.binary("docker-registry"))("a pull shows how far it is", async () => {
    const registry = await startRegistry(scope);
    const [base, noise] = [await busyboxLayer(), noiseLayer("big", 20_000_000)];
    await seedRegistry(registry, "test/app", "1", testImage([base, noise]));
    const gate = await openGate(scope, registry.host, 8_000_000);
    await screen.enter(`clear; berth images pull ${gate.host}/test/app:1`);
    const half = /^layer-sha256:\w{8}: +downloading +\|\++-+\| +\d+\.\d MiB\/19\.\d MiB/m;
    const waiting = await screen.waitFor(half);
    expect(waiting.filter((line) => line.startsWith("layer-"))).toHaveLength(2);
    gate.open();
    const done = await screen.waitFor(/^elapsed: .*\nhost\$$/m);
    expect(done.filter((line) => /^layer-sha256:\w{8}: +unpacked +\|\++\|/.test(line))).toHaveLength(2);
    expect(rows(done, "elapsed:")).toBe(1);
  });
});

/** A way to a registry that stops after so many bytes until it is opened. */
async function openGate(
  scope: DisposeScope,
  host: string,
  holdAfterBytes: number,
): Promise<{ host: string; open(): void }> {
  const [address = "", port = ""] = host.split(":");
  let passedBytes = 0;
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const server = createServer((client) => {
    const registry = dial(Number(port), address);
    scope.defer(() => client.destroy());
    scope.defer(() => registry.destroy());
    const gate = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        passedBytes += chunk.length;
        if (passedBytes > holdAfterBytes) await opened;
        yield chunk;
      }
    };
    // Whoever leaves early is none of its business.
    pipeline(client, registry).catch(() => undefined);
    pipeline(registry, gate, client).catch(() => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.defer(() => server.close());
  const listening = server.address();
  if (listening === null || typeof listening === "string") throw new Error("no port");
  return { host: `127.0.0.1:${listening.port}`, open: () => open() };
}
