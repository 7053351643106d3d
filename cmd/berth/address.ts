// Which daemon and which namespace: what the flags say, else the environment, else the user's own.
import { errorOf } from "../../api/core/errors.js";
import { checkRuntimeDir, runtimeDirOf } from "../../runtime/sys/runtime-dir.js";

const DEFAULT_NAMESPACE = "default";

type Environment = Readonly<Record<string, string | undefined>>;

// A variable that is set to nothing counts as unset.

/** @throws permission_denied where somebody else's daemon could listen. */
export function addressOf(flag: string | undefined, env: Environment): string {
  return flag ?? (env["BERTH_ADDRESS"] || env["CONTAINERD_ADDRESS"] || defaultAddress(env));
}

export function namespaceOf(flag: string | undefined, env: Environment): string {
  return flag ?? (env["BERTH_NAMESPACE"] || env["CONTAINERD_NAMESPACE"] || DEFAULT_NAMESPACE);
}

/** Where the daemon of this user listens: root's is the machine's. */
function defaultAddress(env: Environment): string {
  const uid = process.getuid?.() ?? -1;
  if (uid === 0) return "/run/berth/berth.sock";
  const folder = runtimeDirOf(uid, env);
  const problem = checkRuntimeDir(folder, uid);
  if (problem !== undefined) throw errorOf("permission_denied", problem);
  return `${folder}/berth/berth.sock`;
}
