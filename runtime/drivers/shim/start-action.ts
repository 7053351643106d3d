// A `start` that goes on after the daemon that ran it: its shim may still come up, and where, nobody was told.
import { setTimeout as delay } from "node:timers/promises";
import { listProcesses } from "../../host-processes.js";

const PAUSE_MS = 20;

interface StartedName {
  readonly namespace: string;
  readonly id: string;
}

/** Waits until no `start` of this name for the daemon at `address` is running, for `timeoutMs` at most. */
export async function untilStartEnded(address: string, name: StartedName, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (await isStarting(address, name)) {
    if (performance.now() > deadlineMs) return;
    await delay(PAUSE_MS);
  }
}

async function isStarting(address: string, { namespace, id }: StartedName): Promise<boolean> {
  const wanted = [
    ["-address", address],
    ["-namespace", namespace],
    ["-id", id],
  ];
  return (await listProcesses()).some(({ args }) => {
    // The list of a process's arguments ends with an empty one.
    if (args.at(-2) !== "start") return false;
    return wanted.every(([flag = "", value]) => args[args.indexOf(flag) + 1] === value);
  });
}
