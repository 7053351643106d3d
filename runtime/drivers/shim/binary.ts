// From a runtime's name to the program that serves it: `io.containerd.runc.v2` is `containerd-shim-runc-v2`.
// @source containerd runtime/v2/manager.go (resolveRuntimePath), runtime/v2/shim/util.go (BinaryName)
import { access, constants, stat } from "node:fs/promises";
import { basename, delimiter, isAbsolute, join } from "node:path";
import { unknownError } from "../../../api/core/errors.js";
import { quote } from "../../../api/core/quote.js";

const PREFIX = "containerd-shim";

/** `containerd-shim-<last but one>-<last>`; undefined for what has no such parts. */
export function shimBinaryName(runtime: string): string | undefined {
  const parts = runtime.split(".");
  const [name, version] = parts.slice(-2);
  if (parts.length < 2 || parts[0] === "" || runtime.includes("/")) return undefined;
  if (name === undefined || name === "" || version === undefined || version === "") return undefined;
  return `${PREFIX}-${name}-${version}`;
}

/** Whether the runtime is the runc shim, which panics when it is handed options of another type than its own. */
export function isRuncShim(runtime: string): boolean {
  const binary = isAbsolute(runtime) ? basename(runtime) : (shimBinaryName(runtime) ?? "");
  return binary.startsWith(`${PREFIX}-runc-`);
}

/** Whether there is a program at this path. */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

export interface BinarySearch {
  /** Colon-separated, as in the environment. */
  readonly path: string;
  /** Looked at last: where the daemon's own program lives. */
  readonly programDir: string;
}

/**
 * The absolute path of the shim for a runtime.
 * @throws kind unknown in containerd's words: no name, a malformed one, a path or a binary that is not there.
 */
export async function resolveShimBinary(runtime: string, search: BinarySearch): Promise<string> {
  if (runtime === "") throw unknownError("no runtime name");
  if (isAbsolute(runtime)) {
    try {
      await stat(runtime);
    } catch (error) {
      throw unknownError(`invalid custom binary path: stat ${runtime}: no such file or directory`, error);
    }
    return runtime;
  }
  const binary = shimBinaryName(runtime);
  if (binary === undefined) {
    throw unknownError(
      `invalid runtime name ${runtime}, correct runtime name should be either format like \`io.containerd.runc.v1\` or a full path to the binary`,
    );
  }
  for (const dir of [...search.path.split(delimiter), search.programDir]) {
    // Relative entries are passed over: the answer must not depend on where the daemon was started.
    if (!isAbsolute(dir)) continue;
    const candidate = join(dir, binary);
    if (await isExecutable(candidate)) return candidate;
  }
  throw unknownError(`runtime ${quote(runtime)} binary not installed ${quote(binary)}: file does not exist`);
}
