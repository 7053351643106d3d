// A daemon inside this process, without any other program: records in one folder, seen through the client.
//   npx tsx examples/embed.ts
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anyOfJson, createDaemon, SPEC_TYPE } from "berthd";

const folder = await mkdtemp(join(tmpdir(), "berth-example-"));
try {
  await using daemon = await createDaemon({ root: join(folder, "root"), state: join(folder, "state") });
  await using client = daemon.client({ namespace: "example" });

  await client.containers.create(
    {},
    {
      id: "web",
      labels: { team: "blue" },
      runtime: { name: "io.containerd.runc.v2" },
      spec: anyOfJson(SPEC_TYPE, { ociVersion: "1.0.2" }),
    },
  );
  for (const container of await client.containers.list({}, ["labels.team==blue"])) {
    console.log(container.id, container.labels, new Date(Number(container.createdAtNs / 1_000_000n)).toISOString());
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
