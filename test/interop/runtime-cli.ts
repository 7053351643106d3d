// A client whose containers are made from an image and run by one runtime, whatever the commands say of root filesystems: so the same
// steps run on any of them.
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { Cli } from "../helpers/cli.js";
import type { DockerEngine } from "../helpers/docker-engine.js";

/** Puts the image where `--rootfs FOLDER` stands, and the runtime among the flags, unless the command names one itself. */
export function onRuntime(cli: Cli, image: string, runtime: string): Cli {
  const rewritten = (args: readonly string[]): string[] => {
    const at = args.indexOf("--rootfs");
    if (at < 0) return [...args];
    const flags = args.slice(0, at);
    const named = flags.includes("--runtime") ? flags : [...flags, "--runtime", runtime];
    return [...named, image, ...args.slice(at + 2)];
  };
  return {
    name: cli.name,
    run: (args, options) => cli.run(rewritten(args), options),
    start: (args, options) => cli.start(rewritten(args), options),
    terminal: (args, size) => cli.terminal(rewritten(args), size),
  };
}

export const RUNC = "io.containerd.runc.v2";
export const DOCKER = "io.berth.docker.v1";

/** Gives an image of the engine to the client's daemon as well: `ctr` looks for it there. */
export async function shareImage(engine: DockerEngine, cli: Cli, image: string): Promise<void> {
  const archive = join(await mkdtemp(join(engine.dir, "share-")), "image.tar");
  await engine.must(["save", "-o", archive, image]);
  const { code, stderr } = await cli.run(["images", "import", archive]);
  if (code !== 0) throw new Error(`images import ended with ${code}: ${stderr}`);
}
