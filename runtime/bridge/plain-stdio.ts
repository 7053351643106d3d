// The stdio that a client named, as a bridge is asked for it.
import type { Stdio } from "../../api/core/task.js";

/** Nobody wants any of it. */
export const isSilent = ({ stdin, stdout, stderr }: Stdio): boolean => stdin === "" && stdout === "" && stderr === "";

/** Without what else the caller's object has. */
export const plainStdio = ({ stdin, stdout, stderr, terminal }: Stdio): Stdio => ({ stdin, stdout, stderr, terminal });
