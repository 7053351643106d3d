// The runtime writes down the pid of each process that it starts, and the shim removes that with the process.
import { isIdentifier } from "../../../api/core/identifiers.js";
import { listDir } from "../../bundle.js";

const PID_FILE = ".pid";
const INIT_PID_FILE = "init.pid";

/** The execs that have been started and are not deleted. */
export async function execsWithPidFile(bundle: string): Promise<string[]> {
  const names = (await listDir(bundle)).filter((name) => name.endsWith(PID_FILE) && name !== INIT_PID_FILE);
  return names.map((name) => name.slice(0, -PID_FILE.length)).filter(isIdentifier);
}
