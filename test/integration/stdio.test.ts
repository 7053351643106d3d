// What goes through a container's stdin, stdout and terminal arrives: whole, in order, to the end, at the pace of whoever reads.
import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { LOG_LABEL } from "../../api/core/task-log.js";
import { type Cli, type CliName, createCli } from "../helpers/cli.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { launch } from "../helpers/launch.js";
import { findLeftovers } from "../helpers/leftovers.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const MEBIBYTE = 1024 * 1024;
const CLIENTS: readonly CliName[] = ["ctr", "berth"];
const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("ctr");

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Waits until a process sleeps and is not woken any more: it waits for somebody else. */
async function untilAsleep(pid: number): Promise<void> {
  let last = "";
  let same = 0;
  await until("the writer to wait for a reader", async () => {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    const told = status.split("\n").filter((line) => /^(State|voluntary_ctxt_switches):/.test(line));
    same = told.join() === last ? same + 1 : 0;
    last = told.join();
    return /sleeping/.test(last) && same >= 15;
  });
}

describe.skipIf(lacking).each(["none", "keep"])("stdio with --log %s", (log) => {
  const scope = new DisposeScope();
  let engine: Engine;
  let client: Client;
  let namespace: string;
  let rootfs: string;
  const cli = (name: CliName): Cli => createCli(name, engine, namespace);
  const ids: string[] = [];
  /** The namespace in the ids makes pipes on this host recognisable. */
  const idOf = (name: string): string => {
    const id = `${namespace}-${name}`;
    ids.push(id);
    return id;
  };
  const start = (name: string, ...args: string[]) =>
    launch({ client, namespace, id: idOf(name), rootfs, args, labels: { [LOG_LABEL]: log } });

  beforeAll(async () => {
    namespace = freshNamespace(scope);
    rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    engine = await startBerthd(scope);
    client = scope.use(connect({ address: engine.address }));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  test("100 MiB through stdout arrive whole and in order", async () => {
    const sent = randomBytes(100 * MEBIBYTE);
    await writeFile(join(rootfs, "large"), sent);
    const container = await start("large", "/bin/cat", "/large");
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for await (const chunk of container.streams.stdout ?? []) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
    expect(sizeBytes).toBe(sent.length);
    expect(hash.digest("hex")).toBe(hashOf(sent));
    expect((await container.remove()).exitStatus).toBe(0);
  });

  test("stdout and stderr stay apart, and both arrive", async () => {
    const script = "i=0; while [ $i -lt 2000 ]; do echo out-$i; echo err-$i >&2; i=$((i+1)); done";
    const container = await start("apart", "/bin/sh", "-c", script);
    const { stdout, stderr } = container.streams;
    if (stdout === undefined || stderr === undefined) throw new Error("no output");
    const [out, err] = await Promise.all([text(stdout), text(stderr)]);
    const lines = (word: string): string => Array.from({ length: 2000 }, (_, index) => `${word}-${index}\n`).join("");
    expect(out).toBe(lines("out"));
    expect(err).toBe(lines("err"));
    await container.remove();
  });

  test("input arrives whole, and its end reaches the process", async () => {
    const sent = randomBytes(8 * MEBIBYTE);
    const container = await start("input", "/bin/sh", "-c", "sha256sum; echo end; exit 6");
    container.streams.stdin?.write(sent);
    await container.endInput();
    const { stdout } = container.streams;
    if (stdout === undefined) throw new Error("no output");
    expect(await text(stdout)).toBe(`${hashOf(sent)}  -\nend\n`);
    expect((await container.remove()).exitStatus).toBe(6);
  });

  test("input of nothing ends as well", async () => {
    const container = await start("nothing", "/bin/cat");
    await container.endInput();
    const { stdout } = container.streams;
    if (stdout === undefined) throw new Error("no output");
    expect((await buffer(stdout)).length).toBe(0);
    expect((await container.remove()).exitStatus).toBe(0);
  });

  test.each(CLIENTS)(
    "a terminal session by %s: echo, colours, window size, resize, interrupt, exit status",
    async (name) => {
      const id = idOf(`terminal-${name}`);
      const args = [
        "run",
        "--rm",
        "-t",
        ...(name === "ctr" ? ["--label", `${LOG_LABEL}=${log}`] : ["--log", log]),
        "--rootfs",
        rootfs,
        id,
        "/bin/sh",
      ];
      await using terminal = cli(name).terminal(args, { columns: 80, rows: 24 });
      await terminal.waitForScreen(/# /);
      await until("the first size", () => {
        terminal.type("stty size\r");
        return /^24 80\r$/m.test(terminal.screen());
      });
      terminal.resize(132, 43);
      await until("the second size", () => {
        terminal.type("stty size\r");
        return /^43 132\r$/m.test(terminal.screen());
      });
      terminal.type("printf '\\033[31mred\\033[0m\\n'\r");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of escape sequences
      await terminal.waitForScreen(/\u001b\[31mred\u001b\[0m/);
      terminal.type("trap 'echo caught-interrupt' INT; sleep 1000\r");
      await until("the sleep", async () => {
        const task = await client.tasks.pids({ namespace }, id);
        return task.length === 2;
      });
      terminal.type("\u0003");
      await terminal.waitForScreen(/\^Ccaught-interrupt/);
      terminal.type("exit 7\r");
      expect((await terminal.exit).code).toBe(7);
    },
  );

  // With a log it does not wait: what nobody reads stands there.
  test.each(log === "keep" ? [] : CLIENTS)(
    "a detached writer that nobody reads waits, and goes on when %s attaches",
    async (name) => {
      const id = idOf(`writer-${name}`);
      // Far more than all the pipes in between hold, as text, since it comes back through a program's stdout.
      const sent = `${randomBytes(2 * MEBIBYTE).toString("hex")}\n`;
      await writeFile(join(rootfs, id), sent);
      const started = await cli("berth").run([
        "run",
        "-d",
        "--log",
        "none",
        "--rootfs",
        rootfs,
        id,
        "/bin/cat",
        `/${id}`,
      ]);
      expect(started).toMatchObject({ code: 0, stdout: "", stderr: "" });
      const { pid } = await client.tasks.get({ namespace }, id, "");
      await untilAsleep(pid);
      expect((await client.tasks.get({ namespace }, id, "")).status).toBe("running");

      const attached = await cli(name).run(["t", "attach", id]);
      expect(attached.code).toBe(0);
      expect(hashOf(Buffer.from(attached.stdout))).toBe(hashOf(Buffer.from(sent)));
      expect((await cli("berth").run(["c", "rm", id])).code).toBe(0);
    },
  );

  test("nothing is left of any of them", async () => {
    let left: string[] = [];
    await until("nothing to be left", async () => {
      const ids = [
        "large",
        "apart",
        "input",
        "nothing",
        "terminal-ctr",
        "terminal-berth",
        ...(log === "keep" ? [] : ["writer-ctr", "writer-berth"]),
      ];
      left = await findLeftovers(engine, namespace, ids);
      return left.length === 0;
    }).catch(() => undefined);
    expect(left).toEqual([]);
  });
});
