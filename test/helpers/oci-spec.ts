// The smallest OCI spec that runs a program in a container of its own.
import { type Any, anyOfJson, PROCESS_TYPE, SPEC_TYPE } from "../../api/core/typeurl.js";

export interface SpecOptions {
  readonly args: readonly string[];
  /** Absolute, or relative to the bundle. */
  readonly rootfs: string;
  readonly cgroupsPath: string;
  readonly terminal?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

const PATH_VARIABLE = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

function processOf(args: readonly string[], terminal: boolean): object {
  return {
    terminal,
    // Root for containers; processes of the host are whoever runs the test.
    user: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    args,
    env: [PATH_VARIABLE, "TERM=xterm"],
    cwd: "/",
    noNewPrivileges: true,
  };
}

export function ociSpec(options: SpecOptions): Any {
  const { args, rootfs, cgroupsPath, terminal = false, annotations = {} } = options;
  return anyOfJson(SPEC_TYPE, {
    ociVersion: "1.0.2",
    process: processOf(args, terminal),
    root: { path: rootfs, readonly: false },
    hostname: "berth",
    annotations,
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755"] },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
      },
    ],
    linux: {
      cgroupsPath,
      namespaces: ["pid", "ipc", "uts", "mount", "network"].map((type) => ({ type })),
      resources: { devices: [{ allow: true, access: "rwm" }] },
    },
  });
}

/** What an exec runs. */
export function ociProcess(args: readonly string[], terminal = false): Any {
  return anyOfJson(PROCESS_TYPE, processOf(args, terminal));
}
