// What a test needs of the machine. `test.skipIf(requires.root(), …)` skips with a printed reason; with REQUIRE_ALL=1, as in
// continuous integration, a missing thing is an error instead, so nothing is skipped unnoticed.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { hasDebianImage } from "./debian-image.js";

const FOLDERS = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];

function hasBinary(name: string): boolean {
  return FOLDERS.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Whether to skip. @throws with REQUIRE_ALL=1 when it would be true. */
function lacks(there: boolean, what: string): boolean {
  if (there) return false;
  if (process.env["REQUIRE_ALL"] === "1") throw new Error(`REQUIRE_ALL=1, but this machine lacks ${what}`);
  process.stderr.write(`skipping: needs ${what}\n`);
  return true;
}

/** Each answers true when the thing is missing, for `test.skipIf` and `describe.skipIf`. */
export const requires = {
  root: (): boolean => lacks(process.getuid?.() === 0, "root"),
  binary: (name: string): boolean => lacks(hasBinary(name), `the program ${name}`),
  /** What runs containers, and makes a root filesystem for them. */
  runc: (): boolean =>
    requires.root() || ["runc", "containerd-shim-runc-v2", "busybox"].some((name) => requires.binary(name)),
  /** What makes an image of it, and where its packages are, unless there is one already. */
  debian: (): boolean => requires.binary("debootstrap") || lacks(hasDebianImage(), "Debian's archive in reach"),
  /** The real one, with whatever it runs. */
  containerd: (): boolean => requires.runc() || requires.binary("containerd"),
};
