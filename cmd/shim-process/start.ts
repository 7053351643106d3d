// `start`: finds the shim of the namespace, or brings it up, and tells where it listens.
// @source containerd runtime/v2/shim/util_unix.go, runtime/v2/runc/v2/service.go (StartShim)
import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { unknownError } from "../../api/core/errors.js";
import { lockStart } from "../../runtime/detached/start-lock.js";
import { READY, SERVE_ACTION, STARTER_FD } from "../../runtime/detached/starter.js";
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
    if (!(await isShimRunning(path, ANSWER_TIMEOUT_MS))) await bringUp(flags, bundle);
  }
  const address = `unix://${path}`;
  await writeAddress(bundle, address);
  return address;
}

/** Resolves when it listens. @throws with what it said when it does not. */
async function bringUp({ namespace, id, address, debug }: ShimFlags, bundle: string): Promise<void> {
  const args = ["-namespace", namespace, "-id", id, "-address", address, ...(debug ? ["-debug"] : []), SERVE_ACTION];
  const log = openLog(bundle);
  const child = spawn(process.execPath, [...process.execArgv, ...SMALL_HEAP, process.argv[1] ?? "", ...args], {
    // Under its own name: whoever looks for shims goes by that.
    argv0: PROGRAM,
    // Bundles go, and so may any folder but this one.
    cwd: "/",
    detached: true,
    stdio: ["ignore", "ignore", log ?? "ignore", "pipe"],
  });
  if (log !== undefined) closeSync(log);
  const pipe = child.stdio[STARTER_FD];
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  const said = await Promise.race([pipe instanceof Readable ? text(pipe) : "", failed]);
  if (said !== READY) throw unknownError(`shim did not start: ${said}`);
  child.unref();
}

/** As containerd 1.6 wants it, which reads it after a restart. It is there whole or not at all. */
async function writeAddress(bundle: string, address: string): Promise<void> {
  const temporary = join(bundle, ".address");
  await writeFile(temporary, address, { mode: 0o644 });
  await rename(temporary, join(bundle, "address"));
}
