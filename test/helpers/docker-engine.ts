// Debian's Docker engine for tests of what runs on Docker, with its client: a containerd, folders, a socket, cgroups and a network
// namespace of its own. Bridges, published ports and the registries started by it are inside that namespace, so no test meets another.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { killBelow } from "./cgroups.js";
import { startContainerd } from "./containerd.js";
import { type BuildOptions, buildImage, importBusybox } from "./docker-images.js";
import { makeNetworkNamespace } from "./network-namespace.js";
import { type Program, type ProgramOptions, type ProgramResult, runProgram, startProgram } from "./program.js";
import { type RegistryOptions, startRegistry, type TestRegistry } from "./registry.js";
import { freshNamespace, tempDir } from "./temp.js";
import { Hopeless, until } from "./until.js";

/** The package's client: another Docker's may stand before it in PATH. */
const CLIENT = "/usr/bin/docker";
const LIFETIME_MS = 3_600_000;

export { BUSYBOX } from "./docker-images.js";

export interface EngineOptions {
  /** Containers outlive the engine, and it finds them again. Default: it kills them when it starts, as Docker does. */
  readonly liveRestore?: boolean;
  /** Whether {@link BUSYBOX} is there. Default: yes. */
  readonly busybox?: boolean;
  /** More of the engine's daemon.json. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface DockerEngine {
  /** Of its socket, for DOCKER_HOST. */
  readonly host: string;
  /** Path of its socket. */
  readonly socketPath: string;
  /** Of the engine that runs now. */
  readonly pid: number;
  /** The cgroup below which its containers are, the same in every hierarchy, with a slash in front. */
  readonly cgroupParent: string;
  /** A folder of the engine's, for whatever a test needs; removed with the scope. */
  readonly dir: string;
  /** A command of the client, to its end. Its logins are kept in a folder of the engine's own. */
  run(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** The same, for what has to succeed. @returns its output, trimmed. */
  must(args: readonly string[], options?: ProgramOptions): Promise<string>;
  /** In the background. */
  start(args: readonly string[], options?: ProgramOptions): Promise<Program>;
  /** Any command in the engine's network namespace, to its end: published ports and registries are reached from there. */
  inNetwork(command: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** The same in the background. */
  startInNetwork(command: readonly string[], options?: ProgramOptions): Promise<Program>;
  /** What to put before a command's words to run it there. */
  readonly networkPrefix: readonly [string, ...string[]];
  /** A registry on the namespace's loopback, which the engine takes for a secure one. Fill it with `docker push`, or with its `dir`. */
  startRegistry(options?: Omit<RegistryOptions, "within" | "tls">): Promise<TestRegistry>;
  /** An image made of {@link BUSYBOX}, files and Dockerfile instructions. */
  buildImage(reference: string, options?: BuildOptions): Promise<void>;
  /** What the engine has logged since it was started last. */
  log(): string;
  /** SIGTERM and its end. */
  stop(): Promise<void>;
  /** SIGKILL and its end; its containers go on. */
  kill9(): Promise<void>;
  /** A new one on the same folders and in the same network, resolved when it answers; ends the old one first. */
  restart(): Promise<void>;
}

/** Starts an engine and resolves when it answers, in about two seconds. It and all it made end with the scope. Needs root. */
export async function startEngine(scope: DisposeScope, options: EngineOptions = {}): Promise<DockerEngine> {
  const namespace = freshNamespace(scope);
  const cgroupParent = `/${namespace}`;
  const dir = await tempDir(scope);
  const socketPath = join(dir, "d.sock");
  const host = `unix://${socketPath}`;
  // The machine's own settings are none of ours.
  const configFile = join(dir, "daemon.json");
  await writeFile(configFile, JSON.stringify({ "live-restore": options.liveRestore ?? false, ...options.settings }));
  const network = await makeNetworkNamespace(scope);
  scope.defer(() => unmountBelow(dir));
  const { address } = await startContainerd(scope, "", { TMPDIR: undefined });
  // What lives on when the engine is not there to end it.
  scope.defer(() => killBelow(cgroupParent));
  const command = [
    ...["dockerd", "--containerd", address, "--containerd-namespace", namespace],
    ...["--containerd-plugins-namespace", `${namespace}p`, "--cgroup-parent", cgroupParent],
    ...["--data-root", join(dir, "data"), "--exec-root", join(dir, "exec")],
    ...["-H", host, "--pidfile", join(dir, "pid"), "--config-file", configFile, "--bip", "10.213.7.1/24"],
  ];
  const clientArgs = ["--config", join(dir, "client"), "-H", host];
  const clientEnv = { DOCKER_HOST: undefined, DOCKER_CONTEXT: undefined, DOCKER_BUILDKIT: "0" };
  const env = (more: ProgramOptions = {}): ProgramOptions => ({ ...more, env: { ...clientEnv, ...more.env } });
  const run: DockerEngine["run"] = (args, more) => runProgram(CLIENT, [...clientArgs, ...args], env(more));
  const must: DockerEngine["must"] = async (args, more) => {
    const { code, stdout, stderr } = await run(args, more);
    if (code !== 0) throw new Error(`docker ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
    return stdout.trim();
  };

  const launch = async (): Promise<Program> => {
    const program = await network.start(command, {
      timeoutMs: LIFETIME_MS,
      env: { TMPDIR: undefined, DOCKER_TMPDIR: undefined },
    });
    let hasEnded = false;
    void program.result.then(() => {
      hasEnded = true;
    });
    try {
      // The socket is there before it answers; the client costs more than a look.
      await until(
        "dockerd to answer",
        async () => {
          if (hasEnded) throw new Hopeless(`dockerd ended: ${program.stderr()}`);
          return program.stderr().includes("API listen on") && (await run(["version"])).code === 0;
        },
        60_000,
      );
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
    return program;
  };
  let engine = await launch();
  scope.defer(async () => {
    // Its own end waits patiently for each container's.
    const { stdout } = await run(["ps", "-aq"]);
    if (stdout !== "") await run(["rm", "-f", "-v", ...stdout.trim().split("\n")]);
    await engine.stop();
  });
  if (options.busybox !== false) await importBusybox(must, dir);

  return {
    host,
    socketPath,
    cgroupParent,
    dir,
    get pid() {
      return engine.pid;
    },
    run,
    must,
    start: (args, more) => startProgram(CLIENT, [...clientArgs, ...args], env(more)),
    inNetwork: network.run,
    startInNetwork: network.start,
    networkPrefix: network.prefix,
    startRegistry: (more) => startRegistry(scope, { ...more, within: network.prefix }),
    buildImage: (reference, more) => buildImage(must, dir, reference, more),
    log: () => engine.stderr(),
    stop: () => engine.stop(),
    kill9: async () => {
      await engine[Symbol.asyncDispose]();
    },
    restart: async () => {
      await engine.stop();
      engine = await launch();
    },
  };
}

/** What an engine leaves mounted when it is killed. */
async function unmountBelow(dir: string): Promise<void> {
  const lines = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  const targets = lines.map((line) => line.split(" ")[1] ?? "").filter((target) => target.startsWith(`${dir}/`));
  for (const target of targets.reverse()) await runProgram("umount", ["-l", target]);
}
