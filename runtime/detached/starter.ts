// What a program that outlives its starter says to it: that it serves, or why it does not.
import { closeSync, fstatSync, writeSync } from "node:fs";

/** The last word on the command line of a program that has a starter. */
export const SERVE_ACTION = "serve";
/** The pipe to it. */
export const STARTER_FD = 3;
/** All that goes through it when things are well; else it is what went wrong. */
export const READY = "ready";

/** Says it, and lets go of the starter, which may have given up. */
export function tellStarter(said: string): void {
  // Started by hand, it may be anything of Node's own.
  if (!hasStarter()) return;
  try {
    writeSync(STARTER_FD, said);
  } catch {
    // It serves all the same: the next start finds it.
  }
  closeSync(STARTER_FD);
}

function hasStarter(): boolean {
  try {
    return fstatSync(STARTER_FD).isSocket();
  } catch {
    return false;
  }
}
