// The program cros-tool-runner in the background, on a free port, over a daemon and folders of a test's own.
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "../../api/client/client.js";
import { connect } from "../../api/client/connect.js";
import { RemoteService } from "../../api/client/textproto/remote-service.js";
import type { MessageFormat } from "../../api/client/textproto/types.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "./cli.js";
import type { DockerEngine } from "./docker-engine.js";
import { removeEngineLeftovers } from "./leftovers.js";
import { ownProgram } from "./own-program.js";
import { type Program, type ProgramOptions, type ProgramResult, runProgram, startProgram } from "./program.js";
import { REGISTRY_USER } from "./registry.js";
import { tempDir } from "./temp.js";

const LIFETIME_MS = 600_000;
const SERVICE = "chromiumos.test.api.CrosToolRunnerContainerService";
const NAMESPACE = "cros-tool-runner";
const [FILE, ...FIRST] = ownProgram("cros-tool-runner");

export interface RunnerProgram {
  /** `127.0.0.1:40123` */
  readonly address: string;
  readonly dir: string;
  readonly program: Program;
  /** `call`, with the address behind it. */
  call(rpc: string, ...args: string[]): Promise<ProgramResult>;
  /** The same without a process of its own, with text both ways, or a file. @throws RpcFailure */
  ask(rpc: string, request: string, format?: MessageFormat): Promise<string>;
  /** On the server's own socket. */
  readonly client: Client;
  /** The same as a program. */
  readonly berth: Cli;
}

export interface RunnerProgramOptions {
  /** Folder of its store, state and socket. Default: a fresh one. */
  readonly dir?: string;
  /** More flags of serve. */
  readonly args?: readonly string[];
  readonly env?: ProgramOptions["env"];
}

/** Any command line of it, to its end. */
export function runRunner(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult> {
  return runProgram(FILE, [...FIRST, ...args], options);
}

/** Flags for folders below `dir`. */
export const placesIn = (dir: string): string[] => [
  ...["--root", join(dir, "root"), "--state", join(dir, "state")],
  ...["--address", join(dir, "c.sock")],
];

/** Starts `serve` and resolves when it listens. It ends with the scope, and what it owns before. */
export async function startRunnerProgram(
  scope: DisposeScope,
  engine: Pick<DockerEngine, "host">,
  options: RunnerProgramOptions = {},
): Promise<RunnerProgram> {
  const dir = options.dir ?? (await tempDir(scope));
  scope.defer(() => removeEngineLeftovers(join(dir, "c.sock"), join(dir, "state")));
  const serve = ["serve", "--port", "0", "--docker-host", engine.host, ...placesIn(dir), ...(options.args ?? [])];
  const program = await startProgram(FILE, [...FIRST, ...serve], {
    timeoutMs: LIFETIME_MS,
    ...(options.env !== undefined && { env: options.env }),
  });
  scope.defer(() => program.stop());
  const [, address = ""] = /^server listening at (\S+)\n/.exec(await program.waitForOutput(/\n/)) ?? [];
  const service = scope.use(new RemoteService(address, SERVICE));
  const types = await service.types();
  const call: RunnerProgram["call"] = (rpc, ...args) => runRunner(["call", "--address", address, rpc, ...args]);
  return {
    address,
    dir,
    program,
    call,
    ask: async (rpc, request, format = "textproto") => {
      const method = types.methods(SERVICE).find(({ name }) => name === rpc);
      if (method === undefined) throw new Error(`no RPC ${rpc}`);
      const reply = await service.call(rpc, types.encode(method.input, request, format));
      return types.print(method.output, reply, format);
    },
    client: scope.use(connect({ address: join(dir, "c.sock"), namespace: NAMESPACE })),
    berth: createCli("berth", { address: join(dir, "c.sock") }, NAMESPACE),
  };
}

/** A gcloud that prints the password of the test's registry as its token. @returns a PATH that finds it */
export async function standInGcloud(dir: string): Promise<string> {
  const bin = join(dir, "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(
    join(bin, "gcloud"),
    `#!/bin/sh\n[ "$*" = "auth print-access-token" ] && echo "${REGISTRY_USER.secret}"\n`,
  );
  await chmod(join(bin, "gcloud"), 0o755);
  return `${bin}:${process.env["PATH"]}`;
}

/** The programs of the templates. */
const SERVICES = [
  ...["cros-dut", "cros-provision", "cros-test", "cros-fw-provision", "cacheserver", "vm-provision", "post-process"],
  ...["gcs-publish", "tko-publish", "rdb-publish", "cpcon-publish", "anything"],
];

/** The port that a stand-in takes when it may choose. */
export const CHOSEN_PORT = 41_234;

/** Says in every folder that it was given how it was called, and writes down its port if it was to choose one. */
const STAND_IN = `#!/bin/sh
trap 'exit 0' TERM
for folder in /tmp/*/ /tmp/test/*/; do
  [ -d "$folder" ] && echo "\${0##*/} $*" > "$folder/called"
done
case "$* " in
  *"-port 0 "*) printf 'SERVICE_PORT=${CHOSEN_PORT}\\nSERVICE_NAME=%s\\n' "\${0##*/}" > ~/.cftmeta ;;
esac
while :; do sleep 1000 & wait $!; done
`;

/** An image with stand-ins for the programs of all templates, and for the bash and the sudo that they call. */
export async function buildStandIns(engine: DockerEngine, reference: string): Promise<void> {
  await engine.buildImage(reference, {
    files: {
      ...Object.fromEntries(SERVICES.map((name) => [`bin/${name}`, STAND_IN])),
      "bin/bash": '#!/bin/sh\nexec /bin/sh "$@"\n',
      "bin/sudo": '#!/bin/sh\necho "sudo $*" > /tmp/test/results/sudo\n',
    },
  });
}
