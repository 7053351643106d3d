// The one place where koffi is met. The C library is loaded at the first call and then kept; a failed call becomes an Error
// shaped like those of node:fs (`code`, `errno`, `syscall`), so that callers test one thing.
import { createRequire } from "node:module";
import { getSystemErrorMap } from "node:util";

interface NativeFunction {
  (...args: unknown[]): number;
  /** In a thread of libuv's pool. What the arguments point to must stay until it calls back. */
  async(...args: unknown[]): void;
}

interface Koffi {
  load(path: string | null): { func(prototype: string): NativeFunction };
  errno(): number;
}

const PROTOTYPES = {
  flock: "int flock(int fd, int operation)",
  fallocate: "int fallocate(int fd, int mode, int64_t offset, int64_t length)",
  mkfifo: "int mkfifo(const char *path, unsigned int mode)",
  mount: "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
  umount2: "int umount2(const char *target, int flags)",
  tcgetattr: "int tcgetattr(int fd, _Out_ void *settings)",
  tcsetattr: "int tcsetattr(int fd, int when, const void *settings)",
  cfmakeraw: "void cfmakeraw(_Inout_ void *settings)",
  poll: "int poll(_Inout_ void *entries, unsigned long count, int timeoutMs)",
  lseek: "int64_t lseek(int fd, int64_t offset, int whence)",
  llistxattr: "long llistxattr(const uint8_t *path, _Out_ uint8_t *list, size_t size)",
  lgetxattr: "long lgetxattr(const uint8_t *path, const uint8_t *name, _Out_ uint8_t *value, size_t size)",
  lsetxattr: "int lsetxattr(const uint8_t *path, const uint8_t *name, const uint8_t *value, size_t size, int flags)",
  lremovexattr: "int lremovexattr(const uint8_t *path, const uint8_t *name)",
  mknod: "int mknod(const uint8_t *path, uint32_t mode, uint64_t device)",
  utimensat: "int utimensat(int folder, const uint8_t *path, const uint8_t *times, int flags)",
  openat: "int openat(int folder, const uint8_t *name, int flags, unsigned int mode)",
  close: "int close(int fd)",
  mkdirat: "int mkdirat(int folder, const uint8_t *name, uint32_t mode)",
  unlinkat: "int unlinkat(int folder, const uint8_t *name, int flags)",
  mknodat: "int mknodat(int folder, const uint8_t *name, uint32_t mode, uint64_t device)",
  symlinkat: "int symlinkat(const uint8_t *target, int folder, const uint8_t *name)",
  linkat: "int linkat(int oldFolder, const uint8_t *oldName, int folder, const uint8_t *name, int flags)",
  renameat: "int renameat(int oldFolder, const uint8_t *oldName, int folder, const uint8_t *name)",
  readlinkat: "long readlinkat(int folder, const uint8_t *name, _Out_ uint8_t *target, size_t size)",
  fchownat: "int fchownat(int folder, const uint8_t *name, uint32_t uid, uint32_t gid, int flags)",
  futimens: "int futimens(int fd, const uint8_t *times)",
  fchmod: "int fchmod(int fd, uint32_t mode)",
  fchmodat: "int fchmodat(int folder, const uint8_t *name, uint32_t mode, int flags)",
  statx: "int statx(int folder, const uint8_t *name, int flags, uint32_t mask, _Out_ uint8_t *answer)",
  syncfs: "int syncfs(int fd)",
  prctl: "int prctl(int option, unsigned long value, unsigned long third, unsigned long fourth, unsigned long fifth)",
  waitpid: "int waitpid(int pid, _Out_ int *status, int options)",
  prlimit: "int prlimit(int pid, int resource, const void *wanted, _Out_ void *former)",
  socketpair: "int socketpair(int domain, int type, int protocol, _Out_ int *fds)",
  sigfillset: "int sigfillset(_Out_ void *signals)",
  sigemptyset: "int sigemptyset(_Out_ void *signals)",
  posix_spawn:
    "int posix_spawn(_Out_ int *pid, const char *path, const void *actions, const void *attributes, const char **args, const char **env)",
  posix_spawnattr_init: "int posix_spawnattr_init(_Out_ void *attributes)",
  posix_spawnattr_setflags: "int posix_spawnattr_setflags(_Inout_ void *attributes, short flags)",
  posix_spawnattr_setsigdefault: "int posix_spawnattr_setsigdefault(_Inout_ void *attributes, const void *signals)",
  posix_spawnattr_setsigmask: "int posix_spawnattr_setsigmask(_Inout_ void *attributes, const void *signals)",
  posix_spawn_file_actions_init: "int posix_spawn_file_actions_init(_Out_ void *actions)",
  posix_spawn_file_actions_adddup2: "int posix_spawn_file_actions_adddup2(_Inout_ void *actions, int from, int to)",
  posix_spawn_file_actions_addchdir_np:
    "int posix_spawn_file_actions_addchdir_np(_Inout_ void *actions, const char *path)",
  posix_spawn_file_actions_destroy: "int posix_spawn_file_actions_destroy(_Inout_ void *actions)",
  pipe2: "int pipe2(_Out_ int *ends, int flags)",
  fcntl: "int fcntl(int fd, int command, int argument)",
  ioctl: "int ioctl(int fd, unsigned long request, _Inout_ void *argument)",
  splice: "long splice(int from, void *fromOffset, int to, void *toOffset, size_t size, unsigned int flags)",
  epoll_create1: "int epoll_create1(int flags)",
  epoll_ctl: "int epoll_ctl(int poll, int operation, int fd, const void *event)",
  epoll_wait: "int epoll_wait(int poll, _Out_ void *events, int most, int timeoutMs)",
  getsockopt: "int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)",
} as const;

export type SystemCall = keyof typeof PROTOTYPES;

interface Libc {
  readonly koffi: Koffi;
  readonly library: ReturnType<Koffi["load"]>;
  readonly functions: Map<SystemCall, NativeFunction>;
}

let loaded: Libc | undefined;

/** Loaded here and not by an import: whoever never makes such a call should not pay for the library. */
function libc(): Libc {
  if (loaded !== undefined) return loaded;
  const koffi = loadKoffi(createRequire(import.meta.url));
  loaded = { koffi, library: koffi.load(null), functions: new Map() };
  return loaded;
}

/** Its native part alone takes 1 ms; with its own search for that, 6 ms, which "berth run" waits for. */
function loadKoffi(load: NodeJS.Require): Koffi {
  const { platform, arch } = process;
  try {
    return load(`@koromix/koffi-${platform}-${arch}/${platform}_${arch}/koffi.node`);
  } catch {
    // On musl, or where it was installed in another form.
    return load("koffi");
  }
}

/** Told to koffi when it is first called. */
function functionOf({ library, functions }: Libc, name: SystemCall): NativeFunction {
  const known = functions.get(name);
  if (known !== undefined) return known;
  const made = library.func(PROTOTYPES[name]);
  functions.set(name, made);
  return made;
}

/** The right that a refused call takes, by what callers name it. */
const RIGHTS: Readonly<Record<string, string>> = {
  mount: "CAP_SYS_ADMIN",
  umount2: "CAP_SYS_ADMIN",
  mknod: "CAP_MKNOD",
  chown: "CAP_CHOWN",
};

/** An Error as node:fs throws it: `code` ("EBUSY"), `errno` (negative), `syscall` and, where there is one, `path`. */
export function systemError(syscall: string, errno: number, path?: string): NodeJS.ErrnoException {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, "unknown error"];
  const where = path === undefined ? "" : ` '${path}'`;
  const right = code === "EPERM" ? RIGHTS[syscall] : undefined;
  const need = right === undefined ? "" : ` (needs ${right})`;
  const error: NodeJS.ErrnoException = new Error(`${code}: ${text}, ${syscall}${where}${need}`);
  error.code = code;
  error.errno = -errno;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  return error;
}

/** 0 and above: what the function returned. Below: -errno. */
export function tryCall(name: SystemCall, ...args: readonly unknown[]): number {
  const native = libc();
  const result = functionOf(native, name)(...args);
  // Nothing may run between the call and this: errno belongs to the thread.
  return result < 0 ? -native.koffi.errno() : result;
}

/** The same in a thread, for calls that wait. A failure is told without its errno, which belongs to that thread. */
export function callInThread(name: SystemCall, ...args: readonly unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    functionOf(libc(), name).async(...args, (error: unknown, result: number) => {
      if (error === null || error === undefined) resolve(result);
      else reject(error);
    });
  });
}

const EINVAL = 22;

/** A string fit for C. @throws EINVAL for one with a NUL inside, which C would silently cut there. */
export function cString(syscall: string, text: string): string {
  if (text.includes("\0")) throw systemError(syscall, EINVAL, text.replaceAll("\0", "\\0"));
  return text;
}

/** A path as the bytes that C wants: names need not be UTF-8. @throws EINVAL for one with a NUL inside. */
export function pathBytes(syscall: string, path: string | Uint8Array): Buffer {
  const bytes = typeof path === "string" ? Buffer.from(path) : path;
  if (bytes.includes(0)) throw systemError(syscall, EINVAL, path.toString().replaceAll("\0", "\\0"));
  return Buffer.concat([bytes, Buffer.alloc(1)]);
}
