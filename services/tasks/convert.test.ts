import { describe, expect, test } from "vitest";
import type { ProcessState, TaskStatus } from "../../api/core/task.js";
import { ZERO_TIME_SECONDS } from "../../api/core/time.js";
import { CreateTaskRequest } from "../../api/gen/services/tasks/v1/tasks.js";
import { Descriptor } from "../../api/gen/types/descriptor.js";
import {
  fromCreateTaskRequest,
  toDeleteResponse,
  toDescriptorMessage,
  toProcessMessage,
  toWaitResponse,
} from "./convert.js";

const RUNNING: ProcessState = {
  containerId: "web",
  execId: "",
  pid: 7,
  status: "running",
  stdin: "/in",
  stdout: "/out",
  stderr: "",
  terminal: true,
  exitStatus: 0,
  exitedAtNs: undefined,
};

describe("toProcessMessage", () => {
  test("names init by the container, with an empty container id and Go's zero time", () => {
    expect(toProcessMessage(RUNNING)).toMatchObject({
      containerId: "",
      id: "web",
      pid: 7,
      stdin: "/in",
      stdout: "/out",
      terminal: true,
      exitedAt: { seconds: ZERO_TIME_SECONDS, nanos: 0 },
    });
  });

  test("names an exec by its own id and tells its end", () => {
    const ended = { ...RUNNING, execId: "sh", status: "stopped", exitStatus: 137, exitedAtNs: 5_000_000_007n } as const;
    expect(toProcessMessage(ended)).toMatchObject({
      id: "sh",
      status: 3,
      exitStatus: 137,
      exitedAt: { seconds: 5n, nanos: 7 },
    });
  });

  test.each<[TaskStatus, number]>([
    ["unknown", 0],
    ["created", 1],
    ["running", 2],
    ["stopped", 3],
    ["paused", 4],
    ["pausing", 5],
  ])("%s is %i", (status, number) => {
    expect(toProcessMessage({ ...RUNNING, status }).status).toBe(number);
  });
});

test("exits carry the id that the caller expects, and the zero time when there is none", () => {
  const exit = { pid: 9, exitStatus: 255, exitedAtNs: undefined };
  expect(toDeleteResponse("", exit)).toMatchObject({ id: "", pid: 9, exitStatus: 255 });
  expect(toDeleteResponse("sh", exit).id).toBe("sh");
  expect(toWaitResponse(exit)).toMatchObject({ exitStatus: 255, exitedAt: { seconds: ZERO_TIME_SECONDS, nanos: 0 } });
});

test("a create request keeps mounts, stdio, options and checkpoint", () => {
  const options = { typeUrl: "containerd.runc.v1.Options", value: Buffer.from("x") };
  const request = CreateTaskRequest.fromPartial({
    containerId: "web",
    rootfs: [{ type: "bind", source: "/src", target: "", options: ["ro"] }],
    stdin: "/in",
    terminal: true,
    options,
    checkpoint: { mediaType: "m", digest: "d", size: 3n, annotations: new Map([["__proto__", "v"]]) },
    runtimePath: "/bin/shim",
  });
  expect(fromCreateTaskRequest(request)).toEqual({
    rootfs: [{ type: "bind", source: "/src", target: "", options: ["ro"] }],
    stdin: "/in",
    stdout: "",
    stderr: "",
    terminal: true,
    options: expect.objectContaining(options),
    runtimePath: "/bin/shim",
    checkpoint: { mediaType: "m", digest: "d", sizeBytes: 3n, annotations: Object.fromEntries([["__proto__", "v"]]) },
  });
  expect(fromCreateTaskRequest(CreateTaskRequest.fromPartial({})).checkpoint).toBeUndefined();
});

test("descriptors go both ways unchanged", () => {
  const message = Descriptor.fromPartial({ mediaType: "m", digest: "d", size: 3n, annotations: new Map([["k", "v"]]) });
  const { checkpoint } = fromCreateTaskRequest(CreateTaskRequest.fromPartial({ checkpoint: message }));
  expect(checkpoint && Descriptor.encode(toDescriptorMessage(checkpoint)).finish()).toEqual(
    Descriptor.encode(message).finish(),
  );
});
