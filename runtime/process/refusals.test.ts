// What is refused before anything is made, in which words; and that nothing is left of it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Any, anyOfJson, RUNC_OPTIONS_TYPE } from "../../api/core/typeurl.js";
import { Options } from "../../api/gen/types/runtimeoptions/v1/api.js";
import { execSpec, HostFixture, hostProcess } from "../../test/helpers/process-host.js";
import { PROCESS_OPTIONS_TYPE } from "./options.js";
import type { CreateProcessTask } from "./process-task.js";

const TRUE = hostProcess(["true"]);
const IGNORE: Any = anyOfJson(PROCESS_OPTIONS_TYPE, { isolation: "ignore" });
const START = "OCI runtime create failed: unable to start container process: ";

let fixture: HostFixture;
beforeEach(() => {
  fixture = new HostFixture();
});
afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
});

const children = (): string[] =>
  readdirSync("/proc/self/task").flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
const descriptors = (): number => readdirSync("/proc/self/fd").length;

async function expectRefused(
  spec: object | string,
  error: object,
  more: Partial<CreateProcessTask> = {},
): Promise<void> {
  const before = { children: children(), descriptors: descriptors() };
  await expect(fixture.host.create(fixture.request("t", spec, more))).rejects.toMatchObject(error);
  expect({ children: children(), descriptors: descriptors() }).toEqual(before);
  expect(readdirSync(join(fixture.dir, "t"))).toEqual(["config.json"]);
  expect(fixture.topics).toEqual([]);
  // The id is free.
  const { pid } = await fixture.host.create(fixture.request("t", { process: TRUE }));
  expect(pid).toBeGreaterThan(0);
}

describe("a process", () => {
  const noProgram = "executable file not found in $PATH";
  test.each([
    ["no arguments", { args: [] }, "OCI runtime create failed: args must not be empty"],
    ["absent arguments", { args: undefined }, "OCI runtime create failed: args must not be empty"],
    ["an empty program", { args: [""] }, `${START}exec: "": ${noProgram}`],
    ["a program that is not there", { args: ["nosuch"] }, `${START}exec: "nosuch": ${noProgram}`],
    ["no PATH", { env: [] }, `${START}exec: "true": ${noProgram}`],
    ["a path that is not there", { args: ["/x/y"] }, `${START}exec: "/x/y": stat /x/y: no such file or directory`],
    [
      "a path through a file",
      { args: ["/etc/passwd/y"] },
      `${START}exec: "/etc/passwd/y": stat /etc/passwd/y: not a directory`,
    ],
    ["a folder", { args: ["/tmp"] }, `${START}exec: "/tmp": permission denied`],
    ["a file that is no program", { args: ["/etc/passwd"] }, `${START}exec: "/etc/passwd": permission denied`],
    ["no folder", { cwd: "" }, "OCI runtime create failed: Cwd property must not be empty"],
    ["a relative folder", { cwd: "x" }, "OCI runtime create failed: Cwd must be an absolute path"],
    [
      "a folder that is not there",
      { cwd: "/x/y" },
      `${START}error during container init: chdir to cwd ("/x/y") set in config.json failed: no such file or directory`,
    ],
    [
      "a file for a folder",
      { cwd: "/etc/passwd" },
      `${START}error during container init: chdir to cwd ("/etc/passwd") set in config.json failed: not a directory`,
    ],
    [
      "a variable without a value",
      { env: ["FOO"] },
      `${START}error during container init: invalid environment variable: "FOO"`,
    ],
    [
      "a variable without a name",
      { env: ["=x"] },
      `${START}error during container init: environment variable name can't be empty`,
    ],
    [
      "a NUL in a variable",
      { env: ["A=s3\0cret"] },
      `${START}error during container init: environment variable "A" can't contain null(\\x00)`,
    ],
    [
      "an argument that is too long",
      { args: ["true", "x".repeat(200_000)] },
      `${START}exec: "true": argument list too long`,
    ],
    [
      "too many arguments",
      { args: ["true", ...Array<string>(300_000).fill("0123456789")] },
      `${START}exec: "true": argument list too long`,
    ],
    [
      "a variable that is too long",
      { env: [`PATH=/usr/bin:/bin`, `A=${"x".repeat(200_000)}`] },
      `${START}exec: "true": argument list too long`,
    ],
    [
      "an odd variable that is too long",
      { env: [`PATH=/usr/bin:/bin`, `a b=${"x".repeat(200_000)}`] },
      `${START}exec: "true": argument list too long`,
    ],
    [
      "a limit that is none",
      { rlimits: [{ type: "RLIMIT_X", soft: 1, hard: 1 }] },
      "OCI runtime create failed: wrong rlimit value: RLIMIT_X",
    ],
    [
      "a soft limit above the hard one",
      { rlimits: [{ type: "RLIMIT_CORE", soft: 2, hard: 1 }] },
      `${START}error setting rlimit "RLIMIT_CORE": invalid argument`,
    ],
  ])("with %s", async (_, change, message) => {
    await expectRefused({ process: { ...TRUE, ...change } }, { kind: "unknown", message });
  });

  test.each([
    ["a NUL in an argument", { args: ["true", "a\0b"] }, "process.args.1"],
    ["arguments that are no list", { args: "true" }, "process.args"],
    ["a user that is none", { user: { uid: -1, gid: 0 } }, "process.user.uid"],
    ["the user that stands for nobody at all", { user: { uid: 0xffffffff, gid: 0 } }, "process.user.uid"],
    ["a umask that is none", { user: { uid: 0, gid: 0, umask: 0o1000 } }, "process.user.umask"],
    ["a score beyond all", { oomScoreAdj: 1001 }, "process.oomScoreAdj"],
    ["a limit below nothing", { rlimits: [{ type: "RLIMIT_CORE", soft: -1, hard: 1 }] }, "process.rlimits.0.soft"],
  ])("with %s, saying where", async (_, change, where) => {
    const message = expect.stringContaining(`OCI runtime create failed: invalid config.json: ${where}: `);
    await expectRefused({ process: { ...TRUE, ...change } }, { kind: "unknown", message });
  });

  test("of no spec", async () => {
    await expectRefused("{", { kind: "unknown", message: "OCI runtime create failed: config.json is not JSON" });
  });

  test("that is absent", async () => {
    await expectRefused({}, { kind: "unknown", message: "OCI runtime create failed: process must be specified" });
  });

  test("with a terminal in the spec or in the request alone", async () => {
    const message = expect.stringContaining("console socket");
    await expectRefused({ process: { ...TRUE, terminal: true } }, { kind: "unknown", message });
  });
});

describe("isolation", () => {
  const refusal = (...names: string[]): object => ({
    kind: "invalid_argument",
    message: `OCI runtime create failed: a process of the host cannot have ${names.join(", ")}: invalid argument`,
  });

  test.each([
    ["root.path", { root: { path: "rootfs" } }],
    ["root.readonly", { root: { path: "/", readonly: true } }],
    ["mounts", { mounts: [{ destination: "/proc" }] }],
    ["hostname", { hostname: "h" }],
    ["domainname", { domainname: "d" }],
    ["hooks", { hooks: { prestart: [{ path: "/bin/true" }] } }],
    ["linux.namespaces", { linux: { namespaces: [{ type: "pid" }] } }],
    ["linux.uidMappings", { linux: { uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }] } }],
    ["linux.gidMappings", { linux: { gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }] } }],
    ["linux.devices", { linux: { devices: [{ path: "/dev/x" }] } }],
    ["linux.sysctl", { linux: { sysctl: { "net.ipv4.ip_forward": "1" } } }],
    ["linux.maskedPaths", { linux: { maskedPaths: ["/proc/kcore"] } }],
    ["linux.readonlyPaths", { linux: { readonlyPaths: ["/proc/sys"] } }],
    ["linux.seccomp", { linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW" } } }],
    ["linux.rootfsPropagation", { linux: { rootfsPropagation: "private" } }],
    ["linux.cgroupsPath", { linux: { cgroupsPath: "system.slice:berth:t" } }],
    ["linux.resources.devices", { linux: { resources: { devices: [{ allow: false, access: "rwm" }] } } }],
    ["process.apparmorProfile", { process: { ...TRUE, apparmorProfile: "p" } }],
    ["process.selinuxLabel", { process: { ...TRUE, selinuxLabel: "l" } }],
  ])("%s is refused by name, and left out if one says so", async (name, spec) => {
    await expectRefused({ process: TRUE, ...spec }, refusal(name));
    const request = fixture.request("u", { process: TRUE, ...spec }, { options: IGNORE });
    expect((await fixture.host.create(request)).pid).toBeGreaterThan(0);
  });

  test("is refused with all names at once, mounts for a root among them", async () => {
    const spec = { process: TRUE, root: { path: "r" }, mounts: [{}], linux: { namespaces: [{ type: "pid" }] } };
    const rootfs = [{ type: "bind", source: "/x", options: [] }];
    await expectRefused(
      { ...spec, mounts: [{ type: "x" }] },
      refusal("rootfs", "root.path", "mounts", "linux.namespaces"),
      { rootfs },
    );
  });

  test("of a checkpoint is none", async () => {
    await expectRefused({ process: TRUE }, refusal("checkpoint"), { checkpoint: "/x" });
  });

  test("that is not asked for is nothing to refuse", async () => {
    const linux = {
      namespaces: [],
      maskedPaths: null,
      seccomp: null,
      sysctl: {},
      resources: { devices: [{ allow: true, access: "rwm" }] },
    };
    const spec = { process: TRUE, root: { path: "/", readonly: false }, mounts: [], hooks: {}, hostname: "", linux };
    expect((await fixture.host.create(fixture.request("t", spec))).pid).toBeGreaterThan(0);
  });

  test("of an exec is refused just so", async () => {
    const task = await fixture.run("t", hostProcess(["sleep", "1000"]));
    const spec = execSpec(["true"], { apparmorProfile: "p" });
    const options = { stdin: "", stdout: "", stderr: "", terminal: false, spec };
    await expect(task.exec("e", options)).rejects.toMatchObject({ kind: "invalid_argument" });
    const broken = { ...options, spec: { typeUrl: "", value: Buffer.from("{") } };
    await expect(task.exec("e", broken)).rejects.toMatchObject({ kind: "unknown", message: "process is not JSON" });
    await task.exec("e", { ...options, spec: execSpec(["true"]) });
  });
});

describe("options", () => {
  const spec = { process: TRUE, hostname: "h" };
  const generic = (options: Partial<Options>): Any => ({
    typeUrl: "runtimeoptions.v1.Options",
    value: Buffer.from(Options.encode(Options.fromPartial(options)).finish()),
  });
  const create = (options: Any): Promise<unknown> => fixture.host.create(fixture.request("t", spec, { options }));

  test("come as JSON, by value or by path", async () => {
    const configPath = join(fixture.dir, "options.json");
    writeFileSync(configPath, JSON.stringify({ isolation: "ignore" }));
    const configBody = Buffer.from(JSON.stringify({ isolation: "ignore" }));
    for (const options of [IGNORE, generic({ configBody }), generic({ configPath })]) {
      await create(options);
      await fixture.host.task("t").delete("");
    }
  });

  test.each([
    ["empty ones of runc's", { typeUrl: RUNC_OPTIONS_TYPE, value: Buffer.alloc(0) }],
    ["none of our own", { typeUrl: PROCESS_OPTIONS_TYPE, value: Buffer.alloc(0) }],
    ["the default in words", anyOfJson(PROCESS_OPTIONS_TYPE, { isolation: "refuse" })],
    ["an empty configuration", { typeUrl: "runtimeoptions.v1.Options", value: Buffer.alloc(0) }],
  ])("refuse isolation with %s", async (_, options) => {
    await expect(create(options)).rejects.toMatchObject({ message: expect.stringContaining("hostname") });
  });

  test.each([
    ["runc's that say something", { typeUrl: RUNC_OPTIONS_TYPE, value: Buffer.from([8, 1]) }],
    ["those of another runtime", { typeUrl: "x.Options", value: Buffer.alloc(0) }],
    ["what is no JSON", { typeUrl: PROCESS_OPTIONS_TYPE, value: Buffer.from("{") }],
    ["members that are unknown", anyOfJson(PROCESS_OPTIONS_TYPE, { isolate: true })],
    ["values that are unknown", anyOfJson(PROCESS_OPTIONS_TYPE, { isolation: "some" })],
    ["what is no message", { typeUrl: "runtimeoptions.v1.Options", value: Buffer.from([0xff]) }],
  ])("are refused: %s", async (_, options) => {
    const message = expect.stringContaining("runtime options");
    await expect(create(options)).rejects.toMatchObject({ kind: "invalid_argument", message });
  });

  test("are refused when their file cannot be read", async () => {
    mkdirSync(join(fixture.dir, "folder"));
    for (const configPath of [join(fixture.dir, "none"), join(fixture.dir, "folder")]) {
      await expect(create(generic({ configPath }))).rejects.toMatchObject({ kind: "invalid_argument" });
    }
  });
});
