// `delete`: what is left of a task is ended and its end told, when its shim is gone or has forgotten it.
// @source containerd runtime/v2/runc/v2/service.go (Cleanup)
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../../api/core/time.js";
import { DeleteResponse } from "../../api/gen/runtime/task/v2/shim.js";
import { lockStart } from "../../runtime/detached/start-lock.js";
import { endLeftBehind } from "../../runtime/process/left-behind.js";
import { taskApi } from "../../runtime/ttrpc/task-api.js";
import type { ShimFlags } from "./flags.js";
import { dialShim } from "./running-shim.js";
import { socketPlace, surroundings } from "./socket-place.js";
import { exitMessage } from "./task-service.js";

const API = taskApi(2);
/** containerd gives the whole action five seconds. */
const STEP_TIMEOUT_MS = 1_000;
const SIGKILL = 9;

/** @param cwd the bundle, or one beside it. @returns an encoded DeleteResponse. */
export async function deleteAction(flags: ShimFlags, cwd: string): Promise<Uint8Array> {
  const { namespace, id } = flags;
  const bundle = join(dirname(cwd), id);
  const exit =
    (await deleteInShim(flags, bundle)) ??
    exitMessage(await endLeftBehind({ namespace, id, bundle, clock: systemClock }));
  // The task is gone, which is what counts; the next start replaces such a socket too.
  await removeDeadSocket(flags).catch(() => undefined);
  return DeleteResponse.encode(DeleteResponse.fromPartial(exit)).finish();
}

/** Of a shim that was killed: nobody else would remove it. While nobody starts another one, which would get the same. */
async function removeDeadSocket({ address, namespace }: ShimFlags): Promise<void> {
  const path = socketPlace(address, namespace, surroundings());
  if (!existsSync(path)) return;
  using _lock = await lockStart(path, STEP_TIMEOUT_MS);
  await using shim = await dialShim(path, STEP_TIMEOUT_MS);
  if (shim === undefined) rmSync(path, { force: true });
}

/** A shim that lives is the only one to know what the task's processes are. undefined when none does, or not of this task. */
async function deleteInShim(
  { namespace, id, address }: ShimFlags,
  bundle: string,
): Promise<DeleteResponse | undefined> {
  const options = { timeoutMs: STEP_TIMEOUT_MS };
  try {
    await using shim = await dialShim(socketPlace(address, namespace, surroundings()), STEP_TIMEOUT_MS);
    if (shim === undefined) return undefined;
    const state = await shim.call(API.state, { id, execId: "" }, options);
    if (state.bundle !== bundle) return undefined;
    await shim.call(API.kill, { id, execId: "", signal: SIGKILL, all: true }, options).catch(() => undefined);
    await shim.call(API.wait, { id, execId: "" }, options);
    return await shim.call(API.delete, { id, execId: "" }, options);
  } catch {
    return undefined;
  }
}
