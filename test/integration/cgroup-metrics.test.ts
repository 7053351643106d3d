// What we read of a control group against what runc's shim tells of the same one.
import { existsSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Any } from "../../api/core/typeurl.js";
import { Metrics } from "../../api/gen/cgroups/v1/metrics.js";
import { readCgroupHost } from "../../runtime/process/cgroup-host.js";
import { CgroupV1 } from "../../runtime/process/cgroup-v1.js";
import { V1_METRICS } from "../../runtime/process/cgroup-v1-stats.js";
import { CgroupV2 } from "../../runtime/process/cgroup-v2.js";
import type { TaskCgroup } from "../../runtime/process/task-cgroup.js";
import { requires } from "../helpers/requires.js";
import { TaskHost } from "../helpers/task-host.js";
import { until } from "../helpers/until.js";

let host: TaskHost;
beforeEach(async () => {
  host = await TaskHost.start();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

/** The group that runc has made for a task. */
async function groupOf(id: string): Promise<TaskCgroup> {
  const { v1, unified } = await readCgroupHost();
  const below = `${host.namespace}/${id}`;
  if (v1.size > 0) return new CgroupV1(new Map([...v1].map(([name, { folder }]) => [name, `${folder}/${below}`])));
  return new CgroupV2(`${unified?.folder}/${below}`);
}

/** The kernel counts a disk for a group of version 1 that has a limit for it; this one is never met. */
async function countDisk(id: string): Promise<void> {
  const blkio = (await readCgroupHost()).v1.get("blkio")?.folder;
  if (blkio === undefined) return;
  const { dev } = await stat(host.rootfs, { bigint: true });
  const limit = `${dev >> 8n}:${dev & 0xffn} ${2n ** 40n}`;
  await writeFile(`${blkio}/${host.namespace}/${id}/blkio.throttle.write_bps_device`, limit);
}

test.skipIf(requires.runc())("every field is the same while the task is paused", async () => {
  // Something for each controller to count, a disk among them.
  const work = `while ! [ -e /root/go ]; do sleep 0.02; done; dd if=/dev/zero of=/root/file bs=64k count=64 conv=fsync 2>/dev/null; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; touch /root/done; exec sleep 1000`;
  await host.running("t", ["sh", "-c", work]);
  await countDisk("t");
  await writeFile(join(host.rootfs, "root/go"), "");
  await until("the work", () => existsSync(join(host.rootfs, "root/done")));
  const group = await groupOf("t");
  await host.tasks.pause(host.ctx, "t");
  // The kernel counts some memory late: what counts is a time in which nothing changed.
  let [ours, theirs] = [await group.stats(), undefined as Any | undefined];
  await until("a quiet moment", async () => {
    const [metrics] = await host.tasks.metrics(host.ctx, ["id==t"]);
    const before = ours;
    [ours, theirs] = [await group.stats(), metrics?.data];
    return Buffer.compare(before.value, ours.value) === 0;
  });
  expect(ours.typeUrl).toBe(theirs?.typeUrl);
  if (ours.typeUrl === V1_METRICS) {
    const metrics = Metrics.decode(ours.value);
    expect(metrics).toEqual(Metrics.decode(theirs?.value ?? new Uint8Array()));
    expect(metrics.blkio?.ioServicedRecursive).not.toEqual([]);
    expect(metrics.cpu?.usage?.total).toBeGreaterThan(0n);
  }
  expect(Buffer.from(ours.value)).toEqual(Buffer.from(theirs?.value ?? []));
  await host.tasks.resume(host.ctx, "t");
});
