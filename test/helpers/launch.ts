// Runs containers through our client library: record, pipes, task, streams, exit, and the removal of all of it.
import type { Client } from "../../api/client/connect.js";
import { FifoEnds, type ProcessStreams } from "../../api/client/io/fifo-ends.js";
import { makeFifos, removeFifos } from "../../api/client/io/fifos.js";
import { createSpec } from "../../api/client/spec/create-spec.js";
import type { RequestContext } from "../../api/core/context.js";
import type { ProcessExit } from "../../api/core/task.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";

export interface LaunchOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly id: string;
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly terminal?: boolean;
  /** Of the container. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Launched {
  readonly ctx: RequestContext;
  readonly streams: ProcessStreams;
  /** Resolves when the process has exited. */
  readonly exit: Promise<ProcessExit>;
  /** Ends the input: our end of the pipe and the shim's. */
  endInput(): Promise<void>;
  /** Waits for the exit, then removes task, pipes and record. */
  remove(): Promise<ProcessExit>;
}

/** Starts a container whose stdio is ours. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { client, namespace, id, rootfs, args, terminal = false, labels = {} } = options;
  const ctx: RequestContext = { namespace };
  const spec = createSpec({ namespace, id, rootfs, args, terminal });
  await client.containers.create(ctx, {
    id,
    labels,
    runtime: { name: "io.containerd.runc.v2" },
    spec: anyOfJson(SPEC_TYPE, spec),
  });
  const stdio = await makeFifos({ id, terminal });
  const ends = FifoEnds.hold(stdio);
  await client.tasks.create(ctx, id, { ...stdio, rootfs: [] });
  const exit = client.tasks.wait(ctx, id, "");
  exit.catch(() => undefined);
  await client.tasks.start(ctx, id, "");
  ends.release();
  const streams = ends.streams();
  return {
    ctx,
    streams,
    exit,
    endInput: async () => {
      streams.stdin?.end();
      await client.tasks.closeIO(ctx, id, "", { stdin: true });
    },
    remove: async () => {
      await exit;
      const deleted = await client.tasks.delete(ctx, id);
      ends[Symbol.dispose]();
      await removeFifos(stdio);
      await client.containers.delete(ctx, id);
      return deleted;
    },
  };
}
