// Debian's Docker engine on somebody's containerd socket, with its client. Its folders, socket and cgroups are its own; it makes no
// networks and touches no firewall.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Program, type ProgramOptions, type ProgramResult, runProgram, startProgram } from "./program.js";
import { tempDir } from "./temp.js";
import { Hopeless, until } from "./until.js";

/** The package's client: another Docker's may stand before it in PATH. */
const CLIENT = "/usr/bin/docker";

export interface DockerOptions {
  /** containerd's socket, or ours. */
  readonly address: string;
  /** Of the containers. Those of plugins, of which there are none, are another. */
  readonly namespace: string;
}

export interface Docker {
  readonly pid: number;
  /** A command of the client, to its end. */
  run(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** The same, for what has to succeed. @returns its output, trimmed. */
  must(args: readonly string[], options?: ProgramOptions): Promise<string>;
  /** In the background. */
  start(args: readonly string[]): Promise<Program>;
  /** What the engine has logged so far. */
  log(): string;
  /** Ends the engine; its containers end with it. */
  stop(): Promise<void>;
}

/** Starts the engine and resolves when it answers. It and what it mounted end with the scope. */
export async function startDocker(scope: DisposeScope, { address, namespace }: DockerOptions): Promise<Docker> {
  const dir = await tempDir(scope);
  const host = `unix://${join(dir, "d.sock")}`;
  // The machine's own settings are none of ours.
  const configFile = join(dir, "daemon.json");
  await writeFile(configFile, "{}");
  scope.defer(() => unmountBelow(dir));
  const engine = scope.use(
    await startProgram(
      "dockerd",
      [
        ...["--containerd", address, "--containerd-namespace", namespace],
        ...["--containerd-plugins-namespace", `${namespace}p`, "--cgroup-parent", `/${namespace}`],
        ...["--data-root", join(dir, "data"), "--exec-root", join(dir, "exec")],
        ...["-H", host, "--pidfile", join(dir, "pid"), "--config-file", configFile],
        ...["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"],
      ],
      { timeoutMs: 3_600_000, env: { TMPDIR: undefined, DOCKER_TMPDIR: undefined } },
    ),
  );
  scope.defer(() => engine.stop());
  let hasEnded = false;
  void engine.result.then(() => {
    hasEnded = true;
  });
  const first = ["--config", join(dir, "client"), "-H", host];
  const env = { DOCKER_HOST: undefined, DOCKER_CONTEXT: undefined, DOCKER_BUILDKIT: "0" };
  const run = (args: readonly string[], options: ProgramOptions = {}) =>
    runProgram(CLIENT, [...first, ...args], { ...options, env: { ...env, ...options.env } });
  // Its own end waits patiently for each container's.
  scope.defer(async () => {
    const { stdout } = await run(["ps", "-aq"]);
    if (stdout !== "") await run(["rm", "-f", ...stdout.trim().split("\n")]);
  });
  await until(
    "dockerd to answer",
    async () => {
      if (hasEnded) throw new Hopeless(`dockerd ended: ${engine.stderr()}`);
      return (await run(["version"])).code === 0;
    },
    60_000,
  );
  return {
    pid: engine.pid,
    run,
    must: async (args, options) => {
      const { code, stdout, stderr } = await run(args, options);
      if (code !== 0) throw new Error(`docker ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
      return stdout.trim();
    },
    start: (args) => startProgram(CLIENT, [...first, ...args], { env }),
    log: () => engine.stderr(),
    stop: () => engine.stop(),
  };
}

/** What an engine leaves mounted when it is killed. */
async function unmountBelow(dir: string): Promise<void> {
  const { stdout } = await runProgram("findmnt", ["-rno", "TARGET"]);
  const targets = stdout.split("\n").filter((target) => target.startsWith(`${dir}/`));
  for (const target of targets.reverse()) await runProgram("umount", ["-l", target]);
}
