// The commands whose events are compared: everything that tells something, done with `ctr` and raw calls, one after another.
import { createCli } from "../helpers/cli.js";
import type { Engine } from "../helpers/engine.js";
import { call, headers, type RawClients } from "../helpers/grpc.js";
import type { EventLog } from "./event-log.js";

const stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
const noTaskApi = { runtimePath: "", taskApiAddress: "", taskApiVersion: 0 };

export interface Stage {
  readonly engine: Engine;
  readonly clients: RawClients;
  readonly namespace: string;
  readonly rootfs: string;
  readonly log: EventLog;
}

/** Runs them all and waits for each part's last event. `<prefix>/…` topics tell one story each. */
export async function makeEvents({ engine, clients, namespace, rootfs, log }: Stage): Promise<void> {
  const cli = createCli("ctr", engine, namespace);
  const ctr = async (...args: string[]): Promise<number | null> => (await cli.run(args)).code;
  const { containers, tasks, events } = clients;
  const metadata = headers(namespace);

  // Namespaces.
  await ctr("ns", "create", "other", "a=b");
  await ctr("ns", "create", "other");
  // One by one: ctr sends several in the order of a Go map, which changes from run to run.
  await ctr("ns", "label", "other", "c=d");
  await ctr("ns", "label", "other", "a=");
  await ctr("ns", "rm", "other");
  await log.untilLast("/namespaces", /NamespaceDelete/);

  // Records.
  await ctr("c", "create", "--label", "a=b", "--rootfs", rootfs, "c1", "/bin/sleep", "1000");
  await ctr("c", "create", "--rootfs", rootfs, "c1", "/bin/true");
  await ctr("c", "label", "c1", "a=", "c=d");
  const { container } = await call(containers, containers.get, { id: "c1" }, metadata);
  if (container === undefined) throw new Error("container c1 is missing");
  await call(
    containers,
    containers.update,
    {
      container: { ...container, image: "an/image", labels: new Map([["e", "f"]]) },
      updateMask: ["image", "labels.e"],
    },
    metadata,
  );
  await call(
    containers,
    containers.update,
    { container: { ...container, image: "" }, updateMask: undefined },
    metadata,
  );
  await ctr("c", "rm", "none");

  // A task that was made and deleted without having run.
  await call(tasks, tasks.create, { ...stdio, ...noTaskApi, containerId: "c1", rootfs: [] }, metadata);
  await call(tasks, tasks.delete, { containerId: "c1" }, metadata);
  await log.untilLast("/tasks", /TaskDelete/);

  // A whole life: run, exec, an exec that fails, pause, resume, kill.
  await ctr("t", "start", "-d", "--null-io", "c1");
  await ctr("t", "exec", "--exec-id", "x1", "c1", "/bin/sh", "-c", "exit 2");
  await log.untilLast("/tasks", /TaskExit.*"x1"/);
  await ctr("t", "exec", "--exec-id", "x2", "c1", "/bin/not-there");
  await log.untilLast("/tasks", /TaskExecAdded.*"x2"/);
  await ctr("t", "pause", "c1");
  await ctr("t", "pause", "c1");
  await ctr("t", "resume", "c1");
  await log.untilLast("/tasks", /TaskResumed/);
  await ctr("t", "kill", "-s", "SIGKILL", "c1");
  await log.untilLast("/tasks", /TaskExit.*"c1"/);
  await ctr("t", "rm", "c1");
  await log.untilLast("/tasks", /TaskDelete/);
  await ctr("c", "rm", "c1");

  // Foreground runs: one that ends by itself, one that cannot be created.
  await ctr("run", "--rm", "--rootfs", rootfs, "r1", "/bin/sh", "-c", "echo out; exit 3");
  await log.untilLast("/tasks", /TaskDelete.*"r1"/);
  await ctr("run", "--rm", "--rootfs", rootfs, "r2", "/bin/not-there");
  await log.untilLast("/containers", /ContainerDelete.*"r2"/);

  // A running exec dies with its task.
  await ctr("run", "-d", "--null-io", "--rootfs", rootfs, "r3", "/bin/sleep", "1000");
  await ctr("t", "exec", "-d", "--exec-id", "x3", "r3", "/bin/sleep", "1000");
  await log.untilLast("/tasks", /TaskExecStarted.*"x3"/);
  await ctr("t", "rm", "-f", "r3");
  await log.untilLast("/tasks", /TaskDelete.*"r3"/);
  await ctr("c", "rm", "r3");
  await log.untilLast("/containers", /ContainerDelete.*"r3"/);

  // Events of clients: any type, passed on as it came.
  const event = { typeUrl: "example.com/Anything", value: Buffer.from([8, 1, 255]) };
  await call(events, events.publish, { topic: "/test/published", event }, metadata);
  const timestamp = { seconds: 1_700_000_000n, nanos: 123_456_789 };
  const envelope = { timestamp, namespace: "elsewhere", topic: "/test/forwarded", event };
  await call(events, events.forward, { envelope }, headers(undefined));
  await log.untilLast("/test", /forwarded/);
}
