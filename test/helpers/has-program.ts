// Whether a program is installed.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Whether PATH, or one of root's usual folders, has an executable of this name. */
export function hasProgram(name: string): boolean {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
