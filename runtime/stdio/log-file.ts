// A file for a task's output, made where it is missing.
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { unknownError } from "../../api/core/errors.js";
import { systemText } from "../sys/system-text.js";

const { O_APPEND, O_CREAT, O_NOCTTY, O_WRONLY } = constants;
const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;

/** With the folders above it. @throws unknown, in containerd's words. */
export function makeLogFile(path: string): void {
  const folder = dirname(path);
  attempt("mkdir", folder, () => mkdirSync(folder, { recursive: true, mode: FOLDER_MODE }));
  attempt("open", path, () => closeSync(openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY, FILE_MODE)));
}

function attempt(call: string, path: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw unknownError(systemText(call, path, error), error);
  }
}
