// The folder where `install` puts programs and libraries of images: shims are looked for there, and find what they need there, first.
// @source containerd runtime/opt/path_unix.go
import { delimiter, join } from "node:path";

/** Below the daemon's root, `bin` and `lib` in it. Nothing is made here. */
export const optDirOf = (rootDir: string): string => join(rootDir, "opt");

/** The environment of a program that is to find what is installed there. */
export function withOptDir(
  rootDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const opt = optDirOf(rootDir);
  const before = (folder: string, rest: string | undefined): string =>
    rest === undefined || rest === "" ? folder : `${folder}${delimiter}${rest}`;
  return {
    ...env,
    PATH: before(join(opt, "bin"), env["PATH"]),
    LD_LIBRARY_PATH: before(join(opt, "lib"), env["LD_LIBRARY_PATH"]),
  };
}
