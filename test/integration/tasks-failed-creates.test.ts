// The task manager with real shims and real runc: creates that fail or are given up leave nothing, and are not told of.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CreateTaskOptions } from "../../api/core/task.js";
import { anyOfMessage } from "../../api/core/typeurl.js";
import { CheckpointOptions, Options } from "../../api/gen/types/runc/options/oci.js";
import { FifoPair } from "../helpers/fifos.js";
import { requires } from "../helpers/requires.js";
import { FOREVER, NO_STDIO, RUNC, TaskHost } from "../helpers/task-host.js";
import { until } from "../helpers/until.js";

const lacking = requires.runc();

const CREATE: CreateTaskOptions = { ...NO_STDIO, rootfs: [] };

let host: TaskHost;
beforeEach(async () => {
  host = await TaskHost.start();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

describe.skipIf(lacking)("a create that fails leaves nothing and tells nothing", () => {
  afterEach(async () => {
    expect(await host.leftovers("t")).toEqual([]);
    expect(host.events()).toEqual([]);
    // And nothing of it is in the way of the next.
    host.container("t", ["true"]);
    await host.tasks.create(host.ctx, "t", CREATE);
  });

  test("a program that is not there", async () => {
    host.container("t", ["/no/such/program"]);
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({
      kind: "unknown",
      message: expect.stringMatching(
        /^failed to create shim task: OCI runtime create failed: .*\/no\/such\/program.*: unknown$/,
      ),
    });
  });

  test("a rootfs that is not there", async () => {
    host.container("t", ["true"], { rootfs: "/no/such/rootfs" });
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({
      kind: "unknown",
      message: expect.stringMatching(/^failed to create shim task: OCI runtime create failed: /),
    });
  });

  test("a mount that cannot be made", async () => {
    host.container("t", ["true"], { rootfs: "rootfs" });
    const rootfs = [{ type: "bind", source: "/no/such/source", options: ["rbind"] }];
    await expect(host.tasks.create(host.ctx, "t", { ...CREATE, rootfs })).rejects.toMatchObject({
      message: expect.stringMatching(/^failed to create shim task: failed to mount rootfs component/),
    });
  });

  test("a FIFO that is not there", async () => {
    host.container("t", ["true"]);
    const stdout = join(host.dir, "no-fifo");
    await expect(host.tasks.create(host.ctx, "t", { ...CREATE, stdout, stderr: stdout })).rejects.toMatchObject({
      message: expect.stringMatching(/^failed to create shim task: failed to start io pipe copy: .*no such file/),
    });
  });

  test("a scheme that nobody knows", async () => {
    host.container("t", ["true"]);
    await expect(
      host.tasks.create(host.ctx, "t", { ...CREATE, stdout: "x://y", stderr: "x://y" }),
    ).rejects.toMatchObject({
      message: "failed to create shim task: failed to create init process I/O: unknown STDIO scheme x: unknown",
    });
  });

  test("options of another type, in the request or in the record", async () => {
    const foreign = anyOfMessage(
      "containerd.runc.v1.CheckpointOptions",
      CheckpointOptions,
      CheckpointOptions.fromPartial({}),
    );
    const message = `invalid task create option for ${RUNC}`;
    host.container("t", ["true"]);
    await expect(host.tasks.create(host.ctx, "t", { ...CREATE, options: foreign })).rejects.toMatchObject({ message });
    await expect(
      host.tasks.create(host.ctx, "t", { ...CREATE, options: { typeUrl: "x.Y", value: Buffer.alloc(0) } }),
    ).rejects.toMatchObject({ kind: "unknown", message: "type with url x.Y: not found" });
    host.container("t", ["true"], {}, { name: RUNC, options: foreign });
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({ message });
  });

  test("a runc that is not there", async () => {
    const options = anyOfMessage(
      "containerd.runc.v1.Options",
      Options,
      Options.fromPartial({ binaryName: "/no/such/runc" }),
    );
    host.container("t", ["true"]);
    await expect(host.tasks.create(host.ctx, "t", { ...CREATE, options })).rejects.toMatchObject({
      kind: "unknown",
      message: expect.stringMatching(/^failed to create shim task: OCI runtime create failed: /),
    });
  });

  test.each([
    ["", "failed to resolve runtime path: no runtime name"],
    ["nodots", /failed to resolve runtime path: invalid runtime name nodots, correct runtime name should be/],
    ["a/b.c", /failed to resolve runtime path: invalid runtime name a\/b.c/],
    [
      "io.berth.nothere.v1",
      'failed to resolve runtime path: runtime "io.berth.nothere.v1" binary not installed "containerd-shim-nothere-v1": file does not exist',
    ],
    [
      "/no/such/shim",
      "failed to resolve runtime path: invalid custom binary path: stat /no/such/shim: no such file or directory",
    ],
  ])("the runtime %j", async (name, message) => {
    host.container("t", ["true"], {}, { name });
    const wanted = typeof message === "string" ? `failed to start shim: ${message}` : expect.stringMatching(message);
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({ kind: "unknown", message: wanted });
  });

  test("a program that is no shim", async () => {
    host.container("t", ["true"], {}, { name: "/usr/bin/false" });
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({
      message: "failed to start shim: start failed: : exit status 1",
    });
  });

  test("a spec that is none", async () => {
    host.container("t", ["true"], {}, { name: RUNC }, { typeUrl: "", value: Buffer.from("{") });
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({
      kind: "unknown",
      message: expect.stringMatching(/^failed to start shim: /),
    });
    host.container("t", ["true"], {}, { name: RUNC }, { typeUrl: "", value: Buffer.from("{}") });
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({ kind: "unknown" });
  });

  test("a client that gives up while the shim waits for a reader of its output", async () => {
    await using pair = await FifoPair.make(host.dir, { isRead: false });
    host.container("t", ["true"]);
    const patience = new AbortController();
    const creating = host.tasks.create({ ...host.ctx, signal: patience.signal }, "t", { ...CREATE, ...pair.stdio });
    creating.catch(() => undefined);
    await until("runc to have created it", () => readFile(join(host.bundle("t"), "init.pid")));
    patience.abort();
    await expect(creating).rejects.toMatchObject({ kind: "cancelled" });
  });
});

test.skipIf(lacking)("clients that give up at any moment", async () => {
  const ids = Array.from({ length: 40 }, (_, at) => `t${at}`);
  const moments = ids.map((id, at) => ({ id, afterMs: at * 8 }));
  const work = async (): Promise<void> => {
    for (let next = moments.pop(); next !== undefined; next = moments.pop()) {
      const { id, afterMs } = next;
      host.container(id, FOREVER);
      const creating = host.tasks.create({ ...host.ctx, signal: AbortSignal.timeout(afterMs) }, id, CREATE);
      // The last ones may have been fast enough.
      await creating.then(() => host.tasks.delete(host.ctx, id)).catch(() => undefined);
    }
  };
  await Promise.all([work(), work()]);
  expect(await host.leftovers(...ids)).toEqual([]);
  // Shims that had made their container before they heard of it have told so; each then also tells its end.
  await until("every task to have ended", async () => (await host.ledger.openProcesses()).length === 0);
});
