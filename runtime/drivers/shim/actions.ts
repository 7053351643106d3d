// The two actions of a shim binary: `start`, which brings up a shim or finds the one of the group, and `delete`, which cleans up
// behind one that died.
// @source containerd runtime/v2/binary.go, runtime/v2/shim/util.go (Command)

import { unknownError } from "../../../api/core/errors.js";
import type { ProcessExit } from "../../../api/core/task.js";
import { fromTimestamp } from "../../../api/core/time.js";
import { DeleteResponse } from "../../../api/gen/runtime/task/v2/shim.js";
import type { Bundle } from "../../bundle.js";
import type { DriverDeps } from "../../driver.js";
import { withOptDir } from "../../opt-dir.js";
import { parseShimAddress, type ShimAddress } from "./bootstrap.js";
import { runCommand } from "./command.js";

const START_TIMEOUT_MS = 60_000;
/** A start that is cut off leaves a socket behind, or a shim, and has told nobody where. It takes a moment, as a rule. */
const START_GRACE_MS = 5_000;
/** containerd's io.containerd.timeout.shim.cleanup. */
const DELETE_TIMEOUT_MS = 5_000;
/** The newest version of the shim API that is asked for; a 2.x shim then serves this one. */
const MAX_SHIM_VERSION = "2";

export type ActionDeps = Pick<DriverDeps, "rootDir" | "address" | "ttrpcAddress" | "publishBinary" | "debug">;

/** The folder that a shim works in, and the name that it is started under. */
export type Workplace = Pick<Bundle, "namespace" | "id" | "path">;

function environment(deps: ActionDeps, namespace: string): Record<string, string | undefined> {
  return {
    ...withOptDir(deps.rootDir, process.env),
    GOMAXPROCS: "2",
    MAX_SHIM_VERSION,
    TTRPC_ADDRESS: deps.ttrpcAddress,
    GRPC_ADDRESS: deps.address,
    NAMESPACE: namespace,
  };
}

function commonArgs(deps: ActionDeps, bundle: Workplace): string[] {
  const { namespace, id } = bundle;
  const args = ["-namespace", namespace, "-address", deps.address, "-publish-binary", deps.publishBinary, "-id", id];
  return deps.debug ? [...args, "-debug"] : args;
}

/**
 * Starts the shim of a bundle, whose `log` must have a reader. `input` is what its generation wants on stdin.
 * @throws kind unknown: `start failed: <what the shim printed>: exit status 1`.
 */
export async function startShim(
  deps: ActionDeps,
  binary: string,
  bundle: Workplace,
  input: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<ShimAddress> {
  const result = await runCommand({
    binary,
    args: [...commonArgs(deps, bundle), "start"],
    cwd: bundle.path,
    env: environment(deps, bundle.namespace),
    input,
    timeoutMs: START_TIMEOUT_MS,
    signal,
    graceMs: START_GRACE_MS,
  });
  if (result.failure !== "") {
    const text = Buffer.concat([result.stdout, result.stderr]).toString().trim();
    throw unknownError(`start failed: ${text}: ${result.failure}`);
  }
  return parseShimAddress(result.stdout);
}

/**
 * Runs `delete` for a task whose shim is gone: kills what is left of the container, unmounts its rootfs.
 * @returns what the shim says of the exit (status 137, now).
 * @throws kind unknown or deadline_exceeded when the binary fails or takes more than 5 s.
 */
export async function deleteAction(deps: ActionDeps, binary: string, bundle: Bundle): Promise<ProcessExit> {
  const result = await runCommand({
    binary,
    args: [...commonArgs(deps, bundle), "-bundle", bundle.path, "delete"],
    cwd: bundle.path,
    env: environment(deps, bundle.namespace),
    input: Buffer.alloc(0),
    timeoutMs: DELETE_TIMEOUT_MS,
  });
  if (result.failure !== "") {
    throw unknownError(`delete failed: ${result.stderr.toString().trim()}: ${result.failure}`);
  }
  const { pid, exitStatus, exitedAt } = DeleteResponse.decode(result.stdout);
  return { pid, exitStatus, exitedAtNs: fromTimestamp(exitedAt) };
}
