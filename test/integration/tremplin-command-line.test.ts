// The programs of Tremplin without LXD: where they serve, how a listener prints, and what they refuse.
import { mkdir, readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { startProgram } from "../helpers/program.js";
import { tempDir } from "../helpers/temp.js";
import { placesIn, runTremplin, startServing, TREMPLIN } from "../helpers/tremplin-programs.js";

describe("tremplin on the command line", () => {
  const scope = new DisposeScope();
  afterAll(() => scope[Symbol.asyncDispose]());

  test("the listener prints JSON where it is asked to, and an address without a host is of this host only", async () => {
    const dir = await tempDir(scope);
    const listener = await startServing(scope, ["listen", "--address", ":0", "--format", "json"]);
    expect(listener.address).toMatch(/^127\.0\.0\.1:\d+$/);
    const port = Number(listener.address.split(":")[1]);
    expect(await answers("127.0.0.2", port)).toBe(false);
    const path = `unix:${join(dir, "t.sock")}`;
    const server = await startServing(scope, [
      "serve",
      "--listener",
      listener.address,
      "--address",
      path,
      ...placesIn(dir),
    ]);
    expect(server.address).toBe(path);
    const { stdout } = await runTremplin(["call", "--address", path, "GetDebugInfo", "--format", "json"]);
    expect(JSON.parse(stdout)).toEqual({ debugInformation: "LXD not running" });
    const open = ["call", "--address", listener.address, "vm_tools.tremplin.TremplinListener.ContainerShutdown"];
    expect(await runTremplin([...open, 'container_name: "a\\nb"'])).toMatchObject({ code: 0 });
    const lines = listener.program.stdout().trim().split("\n").slice(1);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { time: expect.any(String), method: "TremplinReady", message: {} },
      { time: expect.any(String), method: "ContainerShutdown", message: { containerName: "a\nb" } },
    ]);
  });

  test("another host is one that was named", async () => {
    const { address } = await startServing(scope, ["listen", "--address", "0.0.0.0:0"]);
    expect(address).toMatch(/^0\.0\.0\.0:\d+$/);
    expect(await answers("127.0.0.2", Number(address.split(":")[1]))).toBe(true);
  });

  test("mistakes are told, with what to do instead, and by the exit code", async () => {
    const mistakes: readonly (readonly [readonly string[], number, string])[] = [
      [["call", "Nope"], 1, "No connection established."],
      [["call", "--address", "nowhere", "StartLxd"], 2, 'tremplin: --address is unix:PATH or HOST:PORT, not "nowhere"'],
      [["call", "StartLxd", "--format", "yaml"], 2, 'tremplin: --format is textproto or json, not "yaml"'],
      [["call", "StartLxd", "--infile", "/none"], 2, "tremplin: cannot read /none: ENOENT"],
      [["listen", "--address", "nowhere"], 2, 'tremplin: the address is unix:PATH or HOST:PORT, not "nowhere"'],
      [
        ["listen", "--address", "192.0.2.1:0"],
        2,
        "tremplin: cannot listen on 192.0.2.1:0: this host has no such address",
      ],
      [["serve"], 2, "tremplin: required option '--listener <address>' not specified"],
      [["serve", "--listener", "nowhere"], 2, "tremplin: the listener's address is unix:PATH or HOST:PORT, not"],
      [
        ["serve", "--listener", "127.0.0.1:1", "--address", "1"],
        2,
        "tremplin: the address is unix:PATH or HOST:PORT, not",
      ],
      [["serve", "--listener", "127.0.0.1:1", "--milestone", "x"], 2, 'tremplin: --milestone takes a number, not "x"'],
    ];
    const dir = await tempDir(scope);
    const results = await Promise.all(
      mistakes.map(([args]) => {
        const places = args[0] === "serve" ? placesIn(dir) : [];
        const address = args[0] === "call" && !args.includes("--address") ? ["--address", `unix:${dir}/none`] : [];
        return runTremplin([...args, ...places, ...address]);
      }),
    );
    const told = results.map(({ code, stdout, stderr }, at) => [mistakes[at]?.[0], code, stdout, stderr]);
    const wanted = mistakes.map(([args, code, message]) => [args, code, "", expect.stringContaining(message)]);
    expect(told).toEqual(wanted);
    // No stack of the program's own.
    for (const { stderr } of results) expect(stderr).not.toMatch(/^ +at /m);
    expect(await readdir(dir)).toEqual([]);
  }, 120_000);

  test("a mistake in a request is told with its place, and nothing is called", async () => {
    const dir = await tempDir(scope);
    const { address, program } = await startServing(scope, ["listen", "--address", `unix:${join(dir, "l.sock")}`]);
    const service = "vm_tools.tremplin.TremplinListener";
    const call = (...args: string[]) => runTremplin(["call", "--address", address, ...args]);
    expect(await call(`${service}.ContainerShutdown`, "container: 'a'")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`tremplin: request:1:1: vm_tools.tremplin.ContainerShutdownInfo has no field`),
    });
    expect(await call(`${service}.Nope`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("tremplin: no RPC Nope; there are TremplinReady, UpdateStartLxdStatus, "),
    });
    expect(await call("StartLxd")).toMatchObject({ code: 1 });
    expect(program.stdout().split("\n")).toHaveLength(2);
  });

  test("the listener ends when nobody reads it any more", async () => {
    const dir = await tempDir(scope);
    const address = `unix:${join(dir, "l.sock")}`;
    const command = '"$@" | head -n 1; echo over';
    const pipe = await startProgram("sh", ["-c", command, "sh", ...TREMPLIN, "listen", "--address", address]);
    scope.defer(() => pipe.stop());
    await pipe.waitForOutput(/listener at/, 60_000);
    // A write that goes nowhere is noticed late.
    for (let calls = 0; calls < 10 && !pipe.stdout().includes("over"); calls += 1) {
      await runTremplin(["call", "--address", address, "vm_tools.tremplin.TremplinListener.TremplinReady"]);
    }
    expect(await pipe.result).toMatchObject({ code: 0, stderr: "" });
  });

  test("a server whose listener is not there does not start, and leaves nothing that is in the way", async () => {
    const dir = await tempDir(scope);
    await mkdir(join(dir, "shared"));
    const flags = ["--listener", `unix:${dir}/none`, "--address", `unix:${join(dir, "t.sock")}`, ...placesIn(dir)];
    const result = await runTremplin(["serve", ...flags]);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/^tremplin: listener at unix:.*: tremplinReady: /m);
    expect((await readdir(dir)).filter((name) => name.endsWith(".sock"))).toEqual([]);
  });
});

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
