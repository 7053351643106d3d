// Records as kernels write them. That they are found after a kill is tried with an engine in test/integration/docker-outage.test.ts.
import { expect, test } from "vitest";
import { hasLoggedOutOfMemory, tellsOutOfMemory } from "./kernel-log.js";

const ID = "5d6aca995779ebaa84871d63d19689f6c2af84cb195fac40c0a469f881372c48";
const record = (limited: string, killed = limited): string =>
  `6,2812,68269192509,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=${ID},mems_allowed=0,` +
  `oom_memcg=${limited},task_memcg=${killed},task=tail,pid=28699,uid=0\n SUBSYSTEM=memory\n`;

test.each([
  ["cgroupfs", record(`/docker/${ID}`), true],
  ["systemd", record(`/system.slice/docker-${ID}.scope`), true],
  ["a group inside the container's", record(`/docker/${ID}/inner`), true],
  ["another container", record(`/docker/${"0".repeat(64)}`), false],
  ["the limit of a group around it", record("/docker", `/docker/${ID}`), false],
  ["what a program has written there", `12,1,2,-;said: oom-kill:x,oom_memcg=/docker/${ID},y\n`, false],
])("%s", (_, text, isTold) => {
  expect(tellsOutOfMemory(text, ID)).toBe(isTold);
});

test("nothing is told of a container that never was", async () => {
  expect(await hasLoggedOutOfMemory(ID.replaceAll("5", "f"))).toBe(false);
});
