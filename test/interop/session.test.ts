// A session of a person who knows ctr, in all four corners: `ctr` and `berth`, each on a real containerd and on berthd, run the same
// script, of which nothing changes but the client's name, and print the same. Only ids, times and the words for a log line are masked.
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type CliName, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { busyboxLayer, testImage } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { ownProgram } from "../helpers/own-program.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { mask } from "./mask.js";

const SESSION = fileURLToPath(new URL("../fixtures/session.sh", import.meta.url));
const lacking = requires.root() || requires.binary("containerd") || requires.binary("ctr");
const CLIENTS: readonly CliName[] = ["ctr", "berth"];
const DAEMONS: readonly ((scope: DisposeScope) => Promise<Engine>)[] = [startContainerd, startBerthd];

/** What differs without meaning anything. */
function common(output: string, engine: Engine, namespace: string): string[] {
  const places = { namespace, rootfs: "", stateDir: engine.stateDir, address: engine.address };
  return (
    mask(output, places)
      // ctr logs an error before it tells it, and logs its warnings.
      .replace(/^time="TIME" level=error .*\n/gm, "")
      .replace(/^time="TIME" level=warning msg="(.*)"$/gm, "$1")
      .replace(/^(ctr|berth): /gm, "")
      .replace(/^hint: .*\n/gm, "")
      .replace(/(: unknown)+$/gm, "")
      .replace(/^(web +)\d+/gm, "$1PID")
      .replace(/^\d+( +-)/gm, "PID$1")
      // Columns are as wide as the longest pid.
      .replace(/ +/g, " ")
      .split("\n")
      // ctr prints labels in no order.
      .map((line) => (line.includes("=") ? line.split(",").sort().join(",") : line).trimEnd())
  );
}

describe.skipIf(lacking)("a session", () => {
  const scope = new DisposeScope();
  const told: Record<string, readonly string[]> = {};

  beforeAll(async () => {
    const dir = await tempDir(scope);
    const archive = join(dir, "app.tar");
    await writeFile(archive, ociArchive(testImage([await busyboxLayer("plain")]), "example.com/app:1"));
    await Promise.all(
      DAEMONS.map(async (start) => {
        await using own = new DisposeScope();
        const namespaces = CLIENTS.map(() => freshNamespace(own));
        const engine = await start(own);
        // Users of a user namespace have to get through to the root file system.
        await chmod(dirname(engine.address), 0o711);
        for (const [at, client] of CLIENTS.entries()) {
          const namespace = namespaces[at] ?? "";
          const work = join(dir, `${engine.name}-${client}`);
          await mkdir(work);
          own.defer(() => createCli("ctr", engine, namespace).run(["tasks", "rm", "-f", "web"]));
          const program = client === "ctr" ? ["ctr"] : ownProgram("berth");
          const { stdout, stderr, code } = await runProgram("/bin/sh", [SESSION], {
            env: {
              CTR: [...program, "-a", engine.address, "-n", namespace].join(" "),
              ARCHIVE: archive,
              WORK: work,
            },
            timeoutMs: 240_000,
          });
          expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
          told[`${client} on ${engine.name}`] = common(
            stdout.replaceAll(work, "WORK").replaceAll(dir, "DIR"),
            engine,
            namespace,
          );
        }
      }),
    );
  }, 600_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test("is of more than thirty commands, and ctr on containerd can do them all", () => {
    const lines = told["ctr on containerd"] ?? [];
    expect(lines.filter((line) => line.startsWith("$ ")).length).toBeGreaterThan(30);
    expect(lines.filter((line) => /^(NOT REFUSED|FAILED)/.test(line))).toEqual([]);
  });

  test.each(["ctr on berthd", "berth on containerd", "berth on berthd"])("is the same with %s", (corner) => {
    expect(told[corner]).toEqual(told["ctr on containerd"]);
  });
});
