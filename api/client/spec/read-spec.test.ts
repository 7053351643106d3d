import { expect, test } from "vitest";
import type { Container } from "../../core/container.js";
import { readSpec } from "./read-spec.js";

function container(spec: string): Container {
  return {
    id: "web",
    labels: {},
    image: "",
    runtime: { name: "io.containerd.runc.v2" },
    spec: { typeUrl: "", value: Buffer.from(spec) },
    snapshotter: "",
    snapshotKey: "",
    createdAtNs: 0n,
    updatedAtNs: 0n,
    sandbox: "",
    extensions: {},
  };
}

test("what is not known is kept, at every level", () => {
  const spec = {
    ociVersion: "1.0.2",
    process: {
      terminal: true,
      user: { uid: 1, gid: 2, umask: 18 },
      args: ["a"],
      env: ["A=1"],
      cwd: "/x",
      oomScoreAdj: 5,
    },
    root: { path: "rootfs", readonly: true },
  };
  expect(readSpec(container(JSON.stringify(spec)))).toEqual(spec);
});

test("what a process leaves out is left to the runtime", () => {
  expect(readSpec(container('{"process":{}}')).process).toEqual({ args: [] });
  expect(readSpec(container("{}"))).toEqual({});
});

test.each([
  "",
  "x",
  "null",
  "[]",
  "7",
  '{"process":null}',
  '{"process":[]}',
  '{"process":{"args":["a",1]}}',
  '{"process":{"args":"a"}}',
  '{"process":{"env":null}}',
  '{"process":{"terminal":"yes"}}',
  '{"process":{"user":{"uid":0}}}',
  '{"process":{"user":{"uid":"0","gid":0}}}',
  '{"process":{"cwd":1}}',
  '{"root":{}}',
  '{"root":"rootfs"}',
])("%j is no spec", (text) => {
  expect(() => readSpec(container(text))).toThrow(
    expect.objectContaining({
      kind: "invalid_argument",
      message: "spec of container web: it is no OCI runtime spec: invalid argument",
    }),
  );
});
