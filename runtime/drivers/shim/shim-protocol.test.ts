// What stands between a runtime's name and a shim's address, tried with scripts that behave as shims of each generation do.
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeleteResponse } from "../../../api/gen/runtime/task/v2/shim.js";
import type { Bundle } from "../../bundle.js";
import { deleteAction, startShim } from "./actions.js";
import { isRuncShim, resolveShimBinary, shimBinaryName } from "./binary.js";
import { parseShimAddress } from "./bootstrap.js";
import { runCommand } from "./command.js";
import { ShimGenerations, takesParams } from "./generation.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "berth-shim-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function script(name: string, ...lines: string[]): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, ["#!/bin/sh", ...lines, ""].join("\n"));
  await chmod(path, 0o755);
  return path;
}

const bundle = (): Bundle => ({ namespace: "ns", id: "c", path: dir, workPath: dir });
const DEPS = {
  rootDir: "/root-dir",
  address: "/a.sock",
  ttrpcAddress: "/a.sock.ttrpc",
  publishBinary: "/bin/berthd",
  debug: false,
};

describe("names of runtimes", () => {
  test.each([
    ["io.containerd.runc.v2", "containerd-shim-runc-v2"],
    ["io.containerd.runsc.v1", "containerd-shim-runsc-v1"],
    ["a.b", "containerd-shim-a-b"],
    ["nodots", undefined],
    ["", undefined],
    [".b", undefined],
    ["a.", undefined],
    ["a/../b.c", undefined],
  ])("%j is served by %j", (runtime, binary) => {
    expect(shimBinaryName(runtime)).toBe(binary);
  });

  test.each([
    ["io.containerd.runc.v2", true],
    ["/usr/bin/containerd-shim-runc-v2", true],
    ["io.containerd.runsc.v1", false],
    ["/opt/shim", false],
  ])("%j is the runc shim: %j", (runtime, is) => {
    expect(isRuncShim(runtime)).toBe(is);
  });

  test("the program is found on the path, then beside the daemon; relative folders do not count", async () => {
    const program = await script("containerd-shim-x-v1");
    expect(await resolveShimBinary("io.x.v1", { path: `/nowhere:${dir}`, programDir: "/" })).toBe(program);
    expect(await resolveShimBinary("io.x.v1", { path: ".", programDir: dir })).toBe(program);
    expect(await resolveShimBinary(program, { path: "", programDir: "/" })).toBe(program);
    await mkdir(join(dir, "containerd-shim-y-v1"));
    await expect(resolveShimBinary("io.y.v1", { path: dir, programDir: dir })).rejects.toMatchObject({
      message: 'runtime "io.y.v1" binary not installed "containerd-shim-y-v1": file does not exist',
    });
  });
});

describe("what start prints", () => {
  const ADDRESS = "unix:///run/containerd/s/abc";
  const result = (version: number, protocol: string): Uint8Array =>
    new BinaryWriter().tag(1, 0).int32(version).tag(2, 2).string(ADDRESS).tag(3, 2).string(protocol).finish();

  test.each([
    ["a plain address (1.6)", Buffer.from(ADDRESS), 2],
    ["one with a newline", Buffer.from(`${ADDRESS}\n`), 2],
    ["JSON (2.0)", Buffer.from(JSON.stringify({ version: 3, address: ADDRESS, protocol: "ttrpc" })), 3],
    ["protobuf (2.3)", result(2, "ttrpc"), 2],
  ])("%s", (_name, output, version) => {
    expect(parseShimAddress(output)).toEqual({ address: ADDRESS, version });
  });

  test.each([
    ["a newer version", result(4, "ttrpc"), /^unsupported shim version \(4\)/],
    ["another protocol", result(3, "grpc"), /^unsupported shim protocol "grpc"$/],
    ["no address at all", Buffer.from("panic: oh"), /^unsupported shim address "panic: oh"$/],
    ["nothing", Buffer.alloc(0), /^unsupported shim address ""$/],
  ])("%s is refused", (_name, output, message) => {
    expect(() => parseShimAddress(output)).toThrow(message);
  });
});

describe("what start reads", () => {
  const options = { typeUrl: "containerd.runc.v1.Options", value: Buffer.from([8, 1]) };

  test.each([
    ["containerd-shim-runc-v2:\n  Version:  1.6.20~ds1\n  Revision: x", false],
    ["  Version:  v2.2.9", false],
    ["  Version:  v2.3.0-rc.1", true],
    ["  Version:  3.0.0", true],
    ["no idea", false],
  ])("%j takes parameters: %j", (text, takes) => {
    expect(takesParams(text)).toBe(takes);
  });

  test("an old shim gets the options alone, or nothing", async () => {
    const binary = await script("old", "echo '  Version:  1.6.20~ds1'");
    const generations = new ShimGenerations();
    const params = { ...DEPS, namespace: "ns", id: "c", options };
    const input = await generations.startInput(binary, params);
    const reader = new BinaryReader(input);
    expect([reader.tag()[0], reader.string(), reader.tag()[0], [...reader.bytes()]]).toEqual([
      1,
      options.typeUrl,
      2,
      [8, 1],
    ]);
    expect(await generations.startInput(binary, { ...params, options: undefined })).toHaveLength(0);
  });

  test("a new shim gets everything; it is asked for its version once", async () => {
    const binary = await script("new", `echo asked >> ${dir}/asked`, "echo '  Version:  2.3.1'");
    const generations = new ShimGenerations();
    const params = { ...DEPS, namespace: "ns", id: "c", options };
    await generations.startInput(binary, params);
    const reader = new BinaryReader(await generations.startInput(binary, params));
    const fields = new Map<number, string>();
    while (reader.pos < reader.len) {
      const [field] = reader.tag();
      fields.set(field, Buffer.from(reader.bytes()).toString());
    }
    expect([...fields.keys()]).toEqual([1, 2, 5, 6, 7, 8]);
    expect([fields.get(1), fields.get(2), fields.get(5)]).toEqual(["c", "ns", "/a.sock.ttrpc"]);
    expect(fields.get(8)).toContain(options.typeUrl);
    expect(await readFile(join(dir, "asked"), "utf8")).toBe("asked\n");
  });

  test("a program that does not know the flag counts as old", async () => {
    const params = { ...DEPS, namespace: "ns", id: "c", options: undefined };
    expect(await new ShimGenerations().startInput(await script("odd", "exit 2"), params)).toHaveLength(0);
    expect(await new ShimGenerations().startInput(join(dir, "none"), params)).toHaveLength(0);
  });
});

describe("the actions", () => {
  test("start is called as containerd calls it", async () => {
    const binary = await script(
      "shim",
      `echo "$*" > ${dir}/args`,
      `env > ${dir}/env`,
      "pwd > cwd",
      "cat > input",
      "echo unix:///s",
    );
    const address = await startShim({ ...DEPS, debug: true }, binary, bundle(), Buffer.from("opts"), undefined);
    expect(address).toEqual({ address: "unix:///s", version: 2 });
    expect(await readFile(join(dir, "args"), "utf8")).toBe(
      "-namespace ns -address /a.sock -publish-binary /bin/berthd -id c -debug start\n",
    );
    const environment = (await readFile(join(dir, "env"), "utf8")).split("\n");
    expect(environment).toEqual(
      expect.arrayContaining([
        "GOMAXPROCS=2",
        "MAX_SHIM_VERSION=2",
        "TTRPC_ADDRESS=/a.sock.ttrpc",
        "GRPC_ADDRESS=/a.sock",
        "NAMESPACE=ns",
      ]),
    );
    expect(await readFile(join(dir, "cwd"), "utf8")).toBe(`${dir}\n`);
    expect(await readFile(join(dir, "input"), "utf8")).toBe("opts");
  });

  test("a start that fails says what the shim said", async () => {
    const binary = await script("shim", "echo out", "echo err >&2", "exit 1");
    await expect(startShim(DEPS, binary, bundle(), Buffer.alloc(0), undefined)).rejects.toMatchObject({
      kind: "unknown",
      message: "start failed: out\nerr: exit status 1",
    });
  });

  test("delete reads the exit from stdout, whatever stderr says", async () => {
    const exit = DeleteResponse.fromPartial({ pid: 7, exitStatus: 137, exitedAt: { seconds: 5n, nanos: 6 } });
    await writeFile(join(dir, "reply"), DeleteResponse.encode(exit).finish());
    const binary = await script("shim", `echo "$*" > args`, "echo warning >&2", "cat reply");
    expect(await deleteAction(DEPS, binary, bundle())).toEqual({ pid: 7, exitStatus: 137, exitedAtNs: 5_000_000_006n });
    expect(await readFile(join(dir, "args"), "utf8")).toBe(
      `-namespace ns -address /a.sock -publish-binary /bin/berthd -id c -bundle ${dir} delete\n`,
    );
    const failing = await script("failing", "echo why >&2", "exit 3");
    await expect(deleteAction(DEPS, failing, bundle())).rejects.toMatchObject({
      message: "delete failed: why: exit status 3",
    });
  });
});

describe("running a program", () => {
  const request = (binary: string) =>
    ({ binary, args: [], cwd: dir, env: process.env, input: Buffer.alloc(0), timeoutMs: 20_000 }) as const;

  test("one that takes too long is killed", async () => {
    const binary = await script("slow", "exec sleep 1000");
    await expect(runCommand({ ...request(binary), timeoutMs: 50 })).rejects.toMatchObject({
      kind: "deadline_exceeded",
    });
  });

  test("one that nobody waits for any more is killed", async () => {
    const binary = await script("slow", "exec sleep 1000");
    const patience = new AbortController();
    const running = runCommand({ ...request(binary), signal: patience.signal });
    patience.abort();
    await expect(running).rejects.toMatchObject({ kind: "cancelled" });
    await expect(runCommand({ ...request(binary), signal: patience.signal })).rejects.toMatchObject({
      kind: "cancelled",
    });
  });

  test("one that is not there", async () => {
    await expect(runCommand(request(join(dir, "none")))).rejects.toMatchObject({
      kind: "unknown",
      message: expect.stringContaining("ENOENT"),
    });
  });

  test("one that ends by a signal", async () => {
    const killed = await script("killed", "kill -9 $$");
    expect((await runCommand(request(killed))).failure).toBe("signal: killed");
    const ended = await script("ended", "kill -15 $$");
    expect((await runCommand(request(ended))).failure).toBe("signal: SIGTERM");
  });

  test("one that says more than anybody wants to hear", async () => {
    const binary = await script("loud", "head -c 3000000 /dev/zero");
    expect((await runCommand(request(binary))).stdout).toHaveLength(1 << 20);
  });
});
