// Programs of the system that change what only a process itself can change of itself.
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { failedPrecondition } from "../../api/core/errors.js";

const FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/** The absolute path of `env`, `setpriv` or `prlimit`; not looked for where users may put programs. @throws failed_precondition. */
export function findTool(name: string): string {
  for (const folder of FOLDERS) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next folder may have it.
    }
  }
  throw failedPrecondition(`the program ${name} is needed and not in ${FOLDERS.join(", ")}`);
}
