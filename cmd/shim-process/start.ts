// `start`: finds the shim of the namespace, or brings it up, and tells where it listens.
// @source containerd runtime/v2/shim/util_unix.go, runtime/v2/runc/v2/service.go (StartShim)
import { closeSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bringUp } from "../../runtime/detached/bring-up.js";
import { lockStart } from "../../runtime/detached/start-lock.js";
import { SERVE_ACTION } from "../../runtime/detached/starter.js";
import type { ShimFlags } from "./flags.js";
import { openLog } from "./log.js";
import { isShimRunning } from "./running-shim.js";
import { makeSocketFolder, socketPlace, surroundings } from "./socket-place.js";

/** For one that runs: to answer; for others that start it: to be done. */
const ANSWER_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 30_000;
const PROGRAM = "containerd-shim-process-v1";
/** MiB of young objects. Left alone V8 takes much more for a shim that has many short tasks, and keeps it. */
const SMALL_HEAP = ["--max-semi-space-size=2"];

/** @param bundle where it is started, with the `log` of the daemon. @returns `unix:///…`. */
export async function startAction(flags: ShimFlags, bundle: string): Promise<string> {
  const who = surroundings();
  const path = socketPlace(flags.address, flags.namespace, who);
  makeSocketFolder(path, who.uid);
  {
    using _lock = await lockStart(path, LOCK_TIMEOUT_MS);
    if (!(await isShimRunning(path, ANSWER_TIMEOUT_MS))) await startShim(flags, bundle);
  }
  const address = `unix://${path}`;
  await writeAddress(bundle, address);
  return address;
}

/** Resolves when it listens. @throws with what it said when it does not. */
async function startShim({ namespace, id, address, debug }: ShimFlags, bundle: string): Promise<void> {
  const args = ["-namespace", namespace, "-id", id, "-address", address, ...(debug ? ["-debug"] : []), SERVE_ACTION];
  const log = openLog(bundle);
  try {
    await bringUp({
      name: "shim",
      program: process.execPath,
      args: [...process.execArgv, ...SMALL_HEAP, process.argv[1] ?? "", ...args],
      // Under its own name: whoever looks for shims goes by that.
      argv0: PROGRAM,
      stderr: log,
    });
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

/** As containerd 1.6 wants it, which reads it after a restart. It is there whole or not at all. */
async function writeAddress(bundle: string, address: string): Promise<void> {
  const temporary = join(bundle, ".address");
  await writeFile(temporary, address, { mode: 0o644 });
  await rename(temporary, join(bundle, "address"));
}
