// Debian's LXD for tests of what runs on LXD, with its client: a folder and a socket of its own, a storage pool of plain folders, a
// bridge with a fixed subnet, all in a box of its own. Nothing is fetched, so it has the one image that is made here.
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Box, makeBox } from "./box.js";
import { type ImageFiles, makeLxdImage } from "./lxd-image.js";
import { type Program, type ProgramOptions, type ProgramResult, runProgram } from "./program.js";
import { tempDir } from "./temp.js";
import { Hopeless, until } from "./until.js";

const LIFETIME_MS = 3_600_000;

/** Alias of the image that is there. */
export const LXD_BUSYBOX = "busybox";
/** What containers get their addresses of. */
const SUBNET = "10.213.9.1/24";

/**
 * Whom containers' users are outside: LXD takes the line of root's name, newuidmap those of its number too. With the latter a
 * container may keep some users of the machine, which `raw.idmap` asks for.
 */
const SUBIDS = "root:1000000:1000000000\n0:1000:2\n0:655360:1\n0:665357:1\n";

/** The firewall would need a program that nobody else here needs. */
const PRESEED = {
  storage_pools: [{ name: "default", driver: "dir" }],
  networks: [
    {
      name: "lxdbr0",
      type: "bridge",
      config: { "ipv4.address": SUBNET, "ipv4.nat": "false", "ipv4.firewall": "false", "ipv6.address": "none" },
    },
  ],
  profiles: [
    {
      name: "default",
      devices: {
        root: { type: "disk", path: "/", pool: "default" },
        eth0: { type: "nic", network: "lxdbr0", name: "eth0" },
      },
    },
  ],
};

export interface Lxd {
  /** Its folder, LXD_DIR. */
  readonly lxdDir: string;
  readonly socketPath: string;
  /** Of the LXD that runs now. */
  readonly pid: number;
  /** A folder for whatever a test needs; removed with the scope. */
  readonly dir: string;
  /** The archives of {@link LXD_BUSYBOX}. */
  readonly image: ImageFiles;
  /** A command of the client `lxc`, to its end. */
  run(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** The same, for what has to succeed. @returns its output, trimmed. */
  must(args: readonly string[], options?: ProgramOptions): Promise<string>;
  /** Any command where LXD is, to its end: the containers' network is reached from there. */
  inBox(command: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** What LXD has logged since it was started last. */
  log(): string;
  /** SIGTERM and its end; containers go on. */
  stop(): Promise<void>;
  /** SIGKILL and its end; containers go on. */
  kill9(): Promise<void>;
  /** A new one on the same folder, resolved when it answers; ends the old one first. */
  restart(): Promise<void>;
}

/** Where an LXD of a test's own may be started, by whomever. */
export interface LxdBox {
  readonly box: Box;
  /** A folder for whatever a test needs; removed with the scope. */
  readonly dir: string;
  /** LXD_DIR of the LXD that is to be started. */
  readonly lxdDir: string;
  /** What starts and asks LXD must have it: neither settings nor a remembered server of whoever runs the tests. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A command of the client `lxc`, to its end. */
  run(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** The same, for what has to succeed. @returns its output, trimmed. */
  must(args: readonly string[], options?: ProgramOptions): Promise<string>;
}

/** Makes it; needs root. With the scope everything that was started in it ends. */
export async function makeLxdBox(scope: DisposeScope): Promise<LxdBox> {
  const dir = await tempDir(scope);
  // Containers' users come through it to their root.
  await chmod(dir, 0o711);
  const box = await makeBox(scope);
  const subids = join(dir, "subids");
  await writeFile(subids, SUBIDS);
  for (const file of ["/etc/subuid", "/etc/subgid"]) {
    succeeded(`mount ${file}`, await box.run(["mount", "--bind", subids, file]));
  }
  const lxdDir = join(dir, "lxd");
  const env = { LXD_DIR: lxdDir, LXD_CONF: join(dir, "client"), LXD_SOCKET: undefined };
  const run: LxdBox["run"] = (args, more = {}) => runProgram("lxc", args, { ...more, env: { ...env, ...more.env } });
  const must: LxdBox["must"] = async (args, more) => succeeded(`lxc ${args.join(" ")}`, await run(args, more));
  return { box, dir, lxdDir, env, run, must };
}

/** Starts LXD and resolves when it answers and has its pool, network and image, in about two seconds. Needs root. */
export async function startLxd(scope: DisposeScope): Promise<Lxd> {
  const { box, dir, lxdDir, env, run, must } = await makeLxdBox(scope);
  const socketPath = join(lxdDir, "unix.socket");
  const withEnv = (more: ProgramOptions = {}): ProgramOptions => ({ ...more, env: { ...env, ...more.env } });

  const launch = async (): Promise<Program> => {
    const program = await box.start(["lxd"], withEnv({ timeoutMs: LIFETIME_MS }));
    let hasEnded = false;
    void program.result.then(() => {
      hasEnded = true;
    });
    try {
      await until(
        "LXD to answer",
        async () => {
          if (hasEnded) throw new Hopeless(`LXD ended: ${program.stderr()}`);
          return (await runProgram("lxd", ["waitready", "--timeout=5"], withEnv())).code === 0;
        },
        60_000,
      );
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
    return program;
  };
  let daemon = await launch();
  scope.defer(() => daemon[Symbol.asyncDispose]());
  succeeded("lxd init", await runProgram("lxd", ["init", "--preseed"], withEnv({ input: JSON.stringify(PRESEED) })));
  const image = await makeLxdImage(join(dir, "image"));
  await must(["image", "import", image.unified, "--alias", LXD_BUSYBOX]);

  return {
    lxdDir,
    socketPath,
    dir,
    image,
    get pid() {
      return daemon.pid;
    },
    run,
    must,
    inBox: box.run,
    log: () => daemon.stderr(),
    stop: () => daemon.stop(),
    kill9: () => Promise.resolve(daemon[Symbol.asyncDispose]()),
    restart: async () => {
      await daemon.stop();
      daemon = await launch();
    },
  };
}

function succeeded(what: string, { code, stdout, stderr }: ProgramResult): string {
  if (code !== 0) throw new Error(`${what} ended with ${code}: ${stdout}${stderr}`);
  return stdout.trim();
}

const SIGPWR = 30;

/**
 * Resolves when the init of a running instance would notice to be asked to stop: what it is sent before it has said what it does with the
 * signal, the kernel drops.
 */
export async function initListens({ must }: Pick<LxdBox, "must">, instance: string): Promise<void> {
  await until(`the init of ${instance} to listen`, async () => {
    const { pid } = JSON.parse(await must(["query", `/1.0/instances/${instance}/state`])) as { pid: number };
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
    return (BigInt(`0x${caught}`) >> BigInt(SIGPWR - 1)) % 2n === 1n;
  });
}
