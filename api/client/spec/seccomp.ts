// Which system calls a container may make: containerd's default list, by what the container is allowed otherwise, or one of a file.
// @source containerd contrib/seccomp/seccomp_default.go (observed on 1.6.20)
import { readFileSync } from "node:fs";
import { release } from "node:os";
import * as z from "zod";
import { invalidArgument } from "../../core/errors.js";

/** Some system calls, and what becomes of them. */
export interface SeccompRule {
  names: string[];
  /** `SCMP_ACT_ALLOW`, `SCMP_ACT_ERRNO`, … */
  action: string;
  errnoRet?: number | undefined;
  /** All must hold; none: always. */
  args?: { index: number; value: number; valueTwo?: number | undefined; op: string }[] | undefined;
}

/** A list of rules, as runtimes take it. */
export interface Seccomp {
  defaultAction: string;
  defaultErrnoRet?: number | undefined;
  architectures?: string[] | undefined;
  flags?: string[] | undefined;
  listenerPath?: string | undefined;
  listenerMetadata?: string | undefined;
  syscalls?: SeccompRule[] | undefined;
}

const words = (text: string): string[] => text.trim().split(/\s+/);
const allow = (text: string, args?: SeccompRule["args"]): SeccompRule => ({
  names: words(text),
  action: "SCMP_ACT_ALLOW",
  ...(args === undefined ? {} : { args }),
});

const ALWAYS = `
  accept accept4 access adjtimex alarm bind brk capget capset chdir chmod chown chown32 clock_adjtime clock_adjtime64
  clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range
  connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2
  epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64
  fallocate fanotify_mark fchdir fchmod fchmodat fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock
  fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_time64
  futex_waitv futimesat getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups
  getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid
  getresuid32 getrlimit get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid
  getuid32 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents
  io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit io_uring_enter io_uring_register io_uring_setup
  ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen
  listxattr llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise membarrier memfd_create memfd_secret
  mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open
  mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync
  munlock munlockall munmap nanosleep newfstatat _newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2
  pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6
  pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64
  recvmsg remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending
  rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
  sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler
  sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
  sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg
  sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid
  setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt
  set_thread_area set_tid_address setuid setuid32 setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4
  sigprocmask sigreturn socket socketcall socketpair splice stat stat64 statfs statfs64 statx symlink symlinkat sync
  sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
  timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times
  tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat utime utimensat utimensat_time64 utimes vfork vmsplice
  wait4 waitid waitpid write writev`;

/** Of personality(2): Linux, with and without short inodes, and the question for it. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
/** New namespaces of all kinds; 0 of them may be set. */
const CLONE_NAMESPACES = 0x7e020000;
const ENOSYS = 38;

/** By Node's names of processors: what libseccomp calls them, and their own system calls. */
const ARCHITECTURES: Readonly<Record<string, { readonly names: string; readonly syscalls?: string }>> = {
  x64: { names: "SCMP_ARCH_X86_64 SCMP_ARCH_X86 SCMP_ARCH_X32", syscalls: "arch_prctl modify_ldt" },
  arm64: {
    names: "SCMP_ARCH_ARM SCMP_ARCH_AARCH64",
    syscalls: "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
  },
  s390x: {
    names: "SCMP_ARCH_S390 SCMP_ARCH_S390X",
    syscalls: "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr",
  },
  riscv64: { names: "SCMP_ARCH_RISCV64", syscalls: "riscv_flush_icache" },
};

/** What a capability opens. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: "open_by_handle_at",
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount
    name_to_handle_at open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare`,
  CAP_SYS_BOOT: "reboot",
  CAP_SYS_CHROOT: "chroot",
  CAP_SYS_MODULE: "delete_module init_module finit_module",
  CAP_SYS_PACCT: "acct",
  CAP_SYS_PTRACE: "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
  CAP_SYS_RAWIO: "iopl ioperm",
  CAP_SYS_TIME: "settimeofday stime clock_settime clock_settime64",
  CAP_SYS_TTY_CONFIG: "vhangup",
  CAP_SYS_NICE: "get_mempolicy mbind set_mempolicy",
  CAP_SYSLOG: "syslog",
  CAP_BPF: "bpf",
  CAP_PERFMON: "perf_event_open",
};

/** The default for a container with these capabilities on this machine. */
export function defaultSeccomp(capabilities: readonly string[], arch: string = process.arch): Seccomp {
  const own = ARCHITECTURES[arch];
  const cloneFlags = arch === "s390x" ? 1 : 0;
  const unprivileged: SeccompRule[] = [
    allow("clone", [{ index: cloneFlags, value: CLONE_NAMESPACES, op: "SCMP_CMP_MASKED_EQ" }]),
    // Programs then fall back to clone, whose flags can be looked at.
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
  ];
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    ...(own === undefined ? {} : { architectures: words(own.names) }),
    syscalls: [
      allow(ALWAYS),
      ...PERSONALITIES.map((value) => allow("personality", [{ index: 0, value, op: "SCMP_CMP_EQ" }])),
      ...(isTraceSafe(release()) ? [allow("ptrace")] : []),
      ...(own?.syscalls === undefined ? [] : [allow(own.syscalls)]),
      ...capabilities.flatMap((name) => {
        const opened = BY_CAPABILITY[name];
        return opened === undefined ? [] : [allow(opened)];
      }),
      ...(capabilities.includes("CAP_SYS_ADMIN") ? [] : unprivileged),
    ],
  };
}

/** Before Linux 4.8 a tracer could get around the list. */
function isTraceSafe(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  return major > 4 || (major === 4 && minor >= 8);
}

const seccompSchema = z.looseObject({
  defaultAction: z.string(),
  defaultErrnoRet: z.int().optional(),
  architectures: z.array(z.string()).optional(),
  syscalls: z
    .array(
      z.looseObject({
        names: z.array(z.string()),
        action: z.string(),
        errnoRet: z.int().optional(),
        args: z
          .array(z.looseObject({ index: z.int(), value: z.number(), valueTwo: z.number().optional(), op: z.string() }))
          .optional(),
      }),
    )
    .optional(),
});

/** One of a file, as the OCI runtime specification has it. @throws invalid_argument when it is none. */
export function readSeccomp(path: string): Seccomp {
  const refuse = (why: string, error: unknown): never => {
    throw invalidArgument(`${why} "${path}": ${error instanceof Error ? error.message : String(error)}`, error);
  };
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    refuse("cannot load seccomp profile", error);
  }
  try {
    return seccompSchema.parse(JSON.parse(text));
  } catch (error) {
    return refuse("decoding seccomp profile failed", error);
  }
}
