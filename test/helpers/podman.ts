// Podman's service with Docker's API, for tests of what differs there: storage, locks, networks and its events are its own, in a mount
// and a network namespace that vanish with its last process. Its client is Docker's.
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { makeCertificates } from "./certificates.js";
import { importBusybox } from "./docker-images.js";
import { type ProgramOptions, type ProgramResult, runProgram, startProgram } from "./program.js";
import { type RegistryOptions, startRegistry, type TestRegistry } from "./registry.js";
import { tempDir } from "./temp.js";
import { Hopeless, until } from "./until.js";

const CLIENT = "/usr/bin/docker";
const CGROUPS = "/sys/fs/cgroup";
/** The group of all its containers, on every host the same. */
const CGROUP = "libpod_parent";

export interface Podman {
  /** Of its socket, for DOCKER_HOST. */
  readonly host: string;
  readonly socketPath: string;
  readonly pid: number;
  /** Where all is that it keeps. */
  readonly dir: string;
  /** A command of Docker's client, to its end. */
  run(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** The same, for what has to succeed. @returns its output, trimmed. */
  must(args: readonly string[], options?: ProgramOptions): Promise<string>;
  /** A command in the service's network, to its end: published ports and the registry are reached from there. */
  inNetwork(command: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** A registry on the loopback of the service's network, with TLS. Fill it with `docker push`. */
  startRegistry(options?: Pick<RegistryOptions, "needsPassword">): Promise<TestRegistry>;
  /** What the service has logged: each request and what it came to. */
  log(): string;
}

/**
 * Podman asks for the most files and processes that there may be anywhere, which root may not have where it lacks CAP_SYS_RESOURCE, as
 * in some virtual machines of tests: then for fewer, of containers and of execs.
 */
const RUNTIME = `#!/bin/sh
for word; do
  case $before in
    --bundle) file=$word/config.json ;;
    -p | --process) file=$word ;;
    *) file= ;;
  esac
  [ -f "$file" ] && sed -i -E 's/("type":"RLIMIT_(NOFILE|NPROC)"),"hard":[0-9]{6,},"soft":[0-9]+/\\1,"hard":1024,"soft":1024/g' "$file"
  before=$word
done
exec runc "$@"
`;

/** What is the host's otherwise: names of networks, their addresses, locks. */
const SETUP = `
set -e
ip link set lo up
for folder in /run/netns /var/lib/cni /dev/shm; do mkdir -p $folder; mount -t tmpfs none $folder; done
exec "$@"
`;

/** Starts the service and resolves when it answers. It, its containers and their monitors end with the scope. Needs root. */
export async function startPodman(scope: DisposeScope): Promise<Podman> {
  const dir = await tempDir(scope);
  const socketPath = join(dir, "p.sock");
  const host = `unix://${socketPath}`;
  const runtime = join(dir, "runc");
  await writeFile(runtime, RUNTIME, { mode: 0o755 });
  // Podman logs in by TLS alone.
  const certificates = await makeCertificates(scope);
  await mkdir(join(dir, "networks"));
  scope.defer(() => end(dir));
  const service = scope.use(
    await startProgram(
      "unshare",
      [
        ...["--net", "--mount", "sh", "-c", SETUP, "sh", "podman"],
        ...["--root", join(dir, "root"), "--runroot", join(dir, "run"), "--tmpdir", join(dir, "tmp")],
        ...["--network-backend", "cni", "--network-config-dir", join(dir, "networks")],
        ...["--cgroup-manager", "cgroupfs", "--runtime", runtime],
        ...["--events-backend", "file", "--log-level", "info", "system", "service", "--time=0", host],
      ],
      {
        timeoutMs: 3_600_000,
        env: { SSL_CERT_FILE: certificates.ca, TMPDIR: undefined },
      },
    ),
  );
  let hasEnded = false;
  void service.result.then(() => {
    hasEnded = true;
  });
  const first = ["--config", join(dir, "client"), "-H", host];
  const env = { DOCKER_HOST: undefined, DOCKER_CONTEXT: undefined };
  const run: Podman["run"] = (args, options) =>
    runProgram(CLIENT, [...first, ...args], { ...options, env: { ...env, ...options?.env } });
  const must: Podman["must"] = async (args, options) => {
    const { code, stdout, stderr } = await run(args, options);
    if (code !== 0) throw new Error(`docker ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
    return stdout.trim();
  };
  await until(
    "podman to answer",
    async () => {
      if (hasEnded) throw new Hopeless(`podman ended: ${service.stderr()}`);
      return (await run(["version"])).code === 0;
    },
    60_000,
  );
  scope.defer(async () => {
    const { stdout } = await run(["ps", "-aq"]);
    if (stdout !== "") await run(["rm", "-f", "-v", ...stdout.trim().split("\n")]);
    await service.stop();
  });
  await importBusybox(must, dir);
  const within = ["nsenter", `--net=/proc/${service.pid}/ns/net`] as const;
  return {
    host,
    socketPath,
    pid: service.pid,
    dir,
    run,
    must,
    inNetwork: ([...command], options) => runProgram(within[0], [within[1], ...command], options),
    startRegistry: (options) => startRegistry(scope, { ...options, within, tls: certificates }),
    log: () => service.stderr(),
  };
}

/** Ends what outlives the service: monitors of execs wait for five minutes. And the group, unless somebody else is in it. */
async function end(dir: string): Promise<void> {
  await until(`the processes of ${dir} to end`, async () => {
    let isEmpty = true;
    for (const name of await readdir("/proc")) {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
      const words = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
      if (!words.includes(`${dir}/`)) continue;
      isEmpty = false;
      try {
        process.kill(Number(name), "SIGKILL");
      } catch {
        // It ended by itself meanwhile.
      }
    }
    return isEmpty;
  });
  for (const hierarchy of await readdir(CGROUPS)) {
    for (const child of ["conmon", ""]) await rmdir(join(CGROUPS, hierarchy, CGROUP, child)).catch(() => undefined);
  }
}
