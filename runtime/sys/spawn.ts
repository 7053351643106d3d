// Makes a child process that nobody but its maker waits for. Node's own children are no use where the exact way of their end
// matters: it tells a death by a real-time signal as an exit with 0.
import { readdirSync } from "node:fs";
import { cString, systemError, tryCall } from "./libc.js";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
/** More than these structures have in any C library. */
const STRUCT_BYTES = 1024;

export interface SpawnRequest {
  /** Absolute path of the program. */
  readonly path: string;
  /** All of argv, the program's own name first. */
  readonly args: readonly string[];
  /** `NAME=value` each; handed over as they are. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** Ours, each above those of the child; they become its 0, 1, 2, … All others that are open here are close-on-exec. */
  readonly descriptors: readonly number[];
}

/** Spawn's functions answer the errno itself. */
function check(call: string, errno: number): void {
  if (errno !== 0) throw systemError(call, errno);
}

function attributes(): Buffer {
  const made = Buffer.alloc(STRUCT_BYTES);
  const signals = Buffer.alloc(STRUCT_BYTES);
  check("posix_spawnattr_init", tryCall("posix_spawnattr_init", made));
  // Node ignores some signals, and what is ignored stays so in a child.
  tryCall("sigfillset", signals);
  check("posix_spawnattr_setsigdefault", tryCall("posix_spawnattr_setsigdefault", made, signals));
  tryCall("sigemptyset", signals);
  check("posix_spawnattr_setsigmask", tryCall("posix_spawnattr_setsigmask", made, signals));
  const flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID;
  check("posix_spawnattr_setflags", tryCall("posix_spawnattr_setflags", made, flags));
  return made;
}

/**
 * Makes a process that leads a session of its own, with no signal blocked or ignored. Reap it with `reapChild`.
 * @throws an Error with an errno code: ENOENT without program or folder, EACCES, E2BIG, EAGAIN, …
 */
export function spawnProcess(request: SpawnRequest): number {
  const strings = (list: readonly string[]): (string | null)[] => [
    ...list.map((text) => cString("posix_spawn", text)),
    null,
  ];
  const [args, env] = [strings(request.args), strings(request.env)];
  const actions = Buffer.alloc(STRUCT_BYTES);
  check("posix_spawn", tryCall("posix_spawn_file_actions_init", actions));
  try {
    const cwd = cString("chdir", request.cwd);
    check("posix_spawn", tryCall("posix_spawn_file_actions_addchdir_np", actions, cwd));
    request.descriptors.forEach((fd, index) => {
      check("posix_spawn", tryCall("posix_spawn_file_actions_adddup2", actions, fd, index));
    });
    const pid = [0];
    check("posix_spawn", tryCall("posix_spawn", pid, request.path, actions, attributes(), args, env));
    return pid[0] ?? 0;
  } finally {
    tryCall("posix_spawn_file_actions_destroy", actions);
  }
}

/** What this process has open from its own parent is not for its children; what Node opens is not anyway. */
export function keepDescriptors(): void {
  for (const name of readdirSync("/proc/self/fd")) {
    const fd = Number(name);
    if (fd > 2) tryCall("fcntl", fd, F_SETFD, FD_CLOEXEC);
  }
}

/** Two connected sockets, both close-on-exec. @throws an Error with an errno code: EMFILE, … */
export function socketPair(): readonly [number, number] {
  const fds = [0, 0];
  const result = tryCall("socketpair", AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
  if (result < 0) throw systemError("socketpair", -result);
  return [fds[0] ?? 0, fds[1] ?? 0];
}
