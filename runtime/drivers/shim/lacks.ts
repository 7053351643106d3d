// What a host lacks to run tasks of a shim: its program, and runc below containerd's own.
import { execFile } from "node:child_process";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { isExecutable, isRuncShim } from "./binary.js";

const ANSWER_TIMEOUT_MS = 5_000;
/** Whose states and flags the shim of containerd 1.6 and later expects. */
const OLDEST_RUNC = 1;

/** @param resolve finds the shim, and throws where there is none. @param path colon-separated, as in the environment. */
export async function lacksOf(
  runtime: string,
  resolve: (runtime: string) => Promise<string>,
  path: string,
): Promise<string | undefined> {
  try {
    await resolve(runtime);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return isRuncShim(runtime) ? await lacksRunc(path) : undefined;
}

async function lacksRunc(path: string): Promise<string | undefined> {
  for (const dir of path.split(delimiter).filter(isAbsolute)) {
    const candidate = join(dir, "runc");
    if (await isExecutable(candidate)) return await problemOfRunc(candidate);
  }
  return "runc is not in PATH";
}

/** Undefined for one that is young enough. */
async function problemOfRunc(program: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, ["--version"], { timeout: ANSWER_TIMEOUT_MS });
    const [, version, major] = /^runc version ((\d+)\S*)/m.exec(stdout) ?? [];
    if (version === undefined) return undefined;
    return Number(major) < OLDEST_RUNC
      ? `${program} is of version ${version}, and ${OLDEST_RUNC}.0 is needed`
      : undefined;
  } catch (error) {
    return `${program} does not work: ${error instanceof Error ? error.message : String(error)}`;
  }
}
