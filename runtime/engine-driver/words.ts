// The refusals of a task's states, in the words of runc's shim, which clients know.
// @source containerd runtime/v2/runc (init_state.go, exec_state.go)
import { type ContainerdError, errorKind, failedPrecondition, notFound, unknownError } from "../../api/core/errors.js";

/** What an engine makes of a container: `created` has never run; `ended` will not run again. */
export type ContainerStatus = "created" | "running" | "paused" | "ended";

/** A status as containerd calls it. */
export const wordOf = (status: ContainerStatus): Exclude<ContainerStatus, "ended"> | "stopped" =>
  status === "ended" ? "stopped" : status;

/** What a state does not allow. */
export const refusal = (message: string): ContainerdError => unknownError(`${message}: unknown`);
/** Of an exec that nobody added. */
export const noSuchProcess = (execId: string): ContainerdError => notFound(`process does not exist ${execId}`);
/** Of a signal for one that has ended. */
export const alreadyFinished = (): ContainerdError => notFound("process already finished");
/** Of a signal for one that has not begun. */
export const notCreated = (): ContainerdError => failedPrecondition("process not created");
/** Of a number that is none. */
export const invalidSignal = (signalNumber: number): ContainerdError =>
  unknownError(`unknown error after kill: invalid signal ${signalNumber}: unknown`);

/** The engine calls a program that cannot be run a bad request; a runtime says only that it failed. */
export function startFailure(what: string, error: unknown): unknown {
  const kind = errorKind(error);
  if (kind !== "invalid_argument" && kind !== "not_found") return error;
  return unknownError(`${what}: ${error instanceof Error ? error.message : String(error)}`, error);
}
