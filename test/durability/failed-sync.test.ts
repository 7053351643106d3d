// A sync that fails: nobody is told that their change is safe, and the daemon ends instead of going on with a disk it cannot trust.
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { startBerthd } from "../helpers/daemon.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { runLoad } from "./load.js";
import { readStoreFacts } from "./store-facts.js";
import { traceProcess } from "./strace.js";
import { commitsOf, SYNCS, syncedAt } from "./wal.js";

let scope: DisposeScope;
beforeEach(() => {
  scope = new DisposeScope();
});
afterEach(() => scope[Symbol.asyncDispose]());

// The count is each thread's own, and syncs run on any of four: the one that fails comes somewhere amid the load.
test.skipIf(requires.binary("strace")).each([1, 3])(
  "a sync that fails, at the earliest call %d of its thread, ends the daemon, and no change behind it is acknowledged",
  async (nth) => {
    const namespace = freshNamespace(scope);
    const daemon = await startBerthd(scope);
    const dbPath = join(daemon.rootDir, "metadata.db");
    const trace = await traceProcess(scope, {
      pid: daemon.pid,
      file: join(await tempDir(scope), "trace"),
      syscalls: ["pwrite64", "fsync", "fdatasync"],
      args: ["-P", `${dbPath}-wal`, "-e", `inject=fdatasync:error=EIO:when=${nth}+`],
    });
    const { address, ttrpcAddress } = daemon;
    const deeds = await runLoad({ address, ttrpcAddress, namespace, from: 0, containers: 40, callers: 4 });
    const ended = await daemon.ended;
    await trace.stop();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("cannot sync the metadata store to disk: EIO");

    const syscalls = await trace.syscalls();
    const failed = syscalls.filter(({ name, result }) => SYNCS.has(name) && result !== undefined && result < 0);
    expect(failed).toHaveLength(1);
    const commits = commitsOf(syscalls, `${dbPath}-wal`);
    const acknowledged = deeds.filter(({ outcome }) => outcome === "OK");
    const unsynced = acknowledged.filter(({ fact }) => {
      const commit = commits.get(fact);
      return commit === undefined || syncedAt(syscalls, `${dbPath}-wal`, commit) === Number.POSITIVE_INFINITY;
    });
    expect(unsynced).toEqual([]);
    expect(acknowledged.length).toBeLessThan(deeds.length);

    const { facts, faults } = readStoreFacts(dbPath);
    expect(faults).toEqual([]);
    expect(acknowledged.filter(({ fact }) => !facts.has(fact))).toEqual([]);
    await daemon.restart();
  },
);
