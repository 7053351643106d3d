// A program with a daemon in its own process: starts a container and lives until it is killed. Arguments: a folder, a namespace, a
// root filesystem, and when the container's task is to end.
import { join } from "node:path";
import { setInterval } from "node:timers";
import { anyOfJson, createDaemon, createSpec, NULL_STDIO, SPEC_TYPE } from "../../services/index.js";

const [dir = "", namespace = "", rootfs = "", lifetime = ""] = process.argv.slice(2);
const ID = "sleeper";

await using daemon = await createDaemon({ root: join(dir, "root"), state: join(dir, "state") });
await using client = daemon.client({ namespace });
const annotations = { "berth.io/lifetime": lifetime };
const spec = createSpec({ namespace, id: ID, rootfs, args: ["sleep", "600"], annotations });
await client.containers.create(
  {},
  { id: ID, runtime: { name: "io.containerd.runc.v2" }, spec: anyOfJson(SPEC_TYPE, spec) },
);
const { pid } = await client.tasks.create({}, ID, { ...NULL_STDIO, rootfs: [] });
await client.tasks.start({}, ID, "");
process.stdout.write(`${pid}\n`);
await new Promise<void>(() => setInterval(() => {}, 60_000));
