// What the manager refuses before any driver is asked.
import { beforeEach, describe, expect, test } from "vitest";
import { type Any, anyOfJson, anyOfMessage, LINUX_RESOURCES_TYPE } from "../api/core/typeurl.js";
import { CheckpointOptions, Options } from "../api/gen/types/runc/options/oci.js";
import { CREATE, FakeTasks, FOREVER, NO_STDIO } from "../test/helpers/fake-tasks.js";
import { ociProcess } from "../test/helpers/oci-spec.js";
import { FAKE_RUNTIME } from "./drivers/fake/driver.js";
import type { TaskManager } from "./task-manager.js";

const ctx = { namespace: "ns" };
let host: FakeTasks;
let tasks: TaskManager;

beforeEach(() => {
  host = new FakeTasks();
  ({ tasks } = host);
});

const container: FakeTasks["container"] = (...args) => host.container(...args);
const running: FakeTasks["running"] = (...args) => host.running(...args);
const refusal = (kind: string, message: string): unknown => expect.objectContaining({ kind, message });

describe("refusals before any driver is asked", () => {
  test("exec", async () => {
    await running("c");
    const exec = (id: string, spec: Any | undefined): Promise<void> =>
      tasks.exec(ctx, "c", id, { ...NO_STDIO, spec: spec ?? { typeUrl: "", value: Buffer.alloc(0) } });
    await expect(exec("", ociProcess(["true"]))).rejects.toEqual(
      refusal("invalid_argument", "exec id cannot be empty"),
    );
    await expect(exec("a/b", ociProcess(["true"]))).rejects.toEqual(
      refusal(
        "invalid_argument",
        'invalid exec id a/b: identifier "a/b" must match ^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$: invalid argument',
      ),
    );
    await expect(exec("e", undefined)).rejects.toMatchObject({ kind: "invalid_argument" });
    await expect(exec("e", anyOfJson(LINUX_RESOURCES_TYPE, {}))).rejects.toMatchObject({ kind: "invalid_argument" });
    await expect(tasks.deleteProcess(ctx, "c", "")).rejects.toMatchObject({ kind: "invalid_argument" });
  });

  test("update", async () => {
    await running("c");
    const update = (resources: Any | undefined): Promise<void> =>
      tasks.update(ctx, "c", { resources, annotations: {} });
    await expect(update(undefined)).rejects.toMatchObject({ kind: "invalid_argument" });
    await expect(update(ociProcess(["true"]))).rejects.toMatchObject({ kind: "invalid_argument" });
    await update(anyOfJson(LINUX_RESOURCES_TYPE, {}));
  });

  test("checkpoint and restore", async () => {
    await running("c");
    const foreign = anyOfMessage("containerd.runc.v1.Options", Options, Options.fromPartial({}));
    await expect(tasks.checkpoint(ctx, "c", foreign)).rejects.toEqual(
      refusal("unknown", `invalid task checkpoint option for ${FAKE_RUNTIME}`),
    );
    const noPath = anyOfMessage(
      "containerd.runc.v1.CheckpointOptions",
      CheckpointOptions,
      CheckpointOptions.fromPartial({}),
    );
    await expect(tasks.checkpoint(ctx, "c", noPath)).rejects.toMatchObject({ kind: "not_implemented" });
    container("d");
    const checkpoint = { digest: "", sizeBytes: 0n, annotations: {} };
    await expect(tasks.create(ctx, "d", { ...CREATE, checkpoint: { ...checkpoint, mediaType: "x" } })).rejects.toEqual(
      refusal("unknown", 'unsupported checkpoint type "x"'),
    );
    const mediaType = "application/vnd.containerd.container.criu.checkpoint.criu.tar";
    await expect(tasks.create(ctx, "d", { ...CREATE, checkpoint: { ...checkpoint, mediaType } })).rejects.toMatchObject(
      { kind: "not_implemented" },
    );
  });

  test("options that the runtime cannot take, its own or the container's", async () => {
    const foreign = { typeUrl: "some.Options", value: Buffer.alloc(0) };
    container("c");
    await expect(tasks.create(ctx, "c", { ...CREATE, options: foreign })).rejects.toMatchObject({ kind: "unknown" });
    container("d", FOREVER, foreign);
    await expect(tasks.create(ctx, "d", CREATE)).rejects.toMatchObject({ kind: "unknown" });
    expect(await tasks.list(ctx)).toEqual([]);
    expect(host.ledger.events).toEqual([]);
  });

  test("a runtime that no driver takes", async () => {
    container("c");
    await expect(tasks.create(ctx, "c", { ...CREATE, runtimePath: "nobody" })).rejects.toMatchObject({
      kind: "not_implemented",
    });
  });
});
