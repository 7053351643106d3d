import { expect, test } from "vitest";
import { translateExec } from "./exec-spec.js";

const NO_STDIO = { stdin: "", stdout: "", stderr: "", terminal: false };
const OWN = {
  user: { uid: 0, gid: 0, additionalGids: [5] },
  capabilities: { bounding: ["CAP_KILL"], effective: [] },
  rlimits: [{ type: "RLIMIT_NOFILE", hard: 10, soft: 10 }],
  noNewPrivileges: true,
};
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

const translated = (process: object, stdio: object = {}, isLenient = false) =>
  translateExec({
    process: json({ args: ["true"], ...process }),
    container: json({ process: OWN }),
    stdio: { ...NO_STDIO, ...stdio },
    isLenient,
  });

test("what is to run, where, as whom", () => {
  expect(translated({ env: ["A=b"], cwd: "/tmp", user: { uid: 7, gid: 8 } })).toEqual({
    Cmd: ["true"],
    Env: ["A=b"],
    WorkingDir: "/tmp",
    User: "7:8",
    Tty: false,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
  });
});

test("streams that a client has, and a terminal, which is one for both outputs", () => {
  const paths = { stdin: "/i", stdout: "/o", stderr: "/e" };
  expect(translated({}, paths)).toMatchObject({
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
  });
  const terminal = translated({}, { ...paths, terminal: true });
  expect(terminal).toMatchObject({ AttachStdin: true, AttachStdout: true, AttachStderr: false, Tty: true });
});

test("what is the container's may be said again, in any order", () => {
  const { user, ...rest } = OWN;
  expect(() => translated({ ...rest, user: { additionalGids: [5], gid: 0, uid: 0 } })).not.toThrow();
  expect(() => translated({ capabilities: { effective: null, bounding: ["CAP_KILL"] }, user })).not.toThrow();
});

test("what is another than the container's is refused by name, unless it may be left out", () => {
  const other = { capabilities: { bounding: ["CAP_SYS_ADMIN"] }, rlimits: [], user: { additionalGids: [6] } };
  expect(() => translated(other)).toThrow(
    expect.objectContaining({
      kind: "invalid_argument",
      message: expect.stringContaining("process.capabilities, process.user.additionalGids"),
    }),
  );
  expect(translated(other, {}, true)).toMatchObject({ Cmd: ["true"], User: "0:0" });
});

test.each([
  ["no JSON", Buffer.from("{")],
  ["no args", json({ args: [] })],
  ["args of another type", json({ args: [1] })],
  ["a NUL", json({ args: ["a\0b"] })],
])("%s is refused", (_, process) => {
  const input = { process, container: json({}), stdio: NO_STDIO, isLenient: false };
  expect(() => translateExec(input)).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
});
