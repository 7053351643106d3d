// Images for an engine that has no network: busybox under a name that no registry has, and images made of it.
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runProgram } from "./program.js";
import { makeRootfs } from "./rootfs.js";

/** Busybox with all its applets, a shell as its command. */
export const BUSYBOX = "berth.test/busybox:1";

type Must = (args: readonly string[]) => Promise<string>;

export interface BuildOptions {
  /** A folder whose contents come into the image's root. */
  readonly folder?: string;
  /** Files by their path in the image; those that begin with `#!` may be run. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of a Dockerfile, after FROM and COPY: `ENTRYPOINT ["/serve"]`, `EXPOSE 80`, … None may need a network. */
  readonly instructions?: readonly string[];
  /** Default: {@link BUSYBOX}. */
  readonly from?: string;
}

/** Gives the engine {@link BUSYBOX}. `dir` is a folder of its own to work in. */
export async function importBusybox(must: Must, dir: string): Promise<void> {
  const rootfs = await makeRootfs(join(dir, "busybox"));
  const archive = join(dir, "busybox.tar");
  const { code, stderr } = await runProgram("tar", ["-C", rootfs, "--owner=0", "--group=0", "-cf", archive, "."]);
  if (code !== 0) throw new Error(`tar ended with ${code}: ${stderr}`);
  await must(["import", "--change", 'CMD ["/bin/sh"]', "--change", "ENV PATH=/bin", archive, BUSYBOX]);
}

/** Builds an image. `dir` is a folder of the engine's to work in. */
export async function buildImage(
  must: Must,
  dir: string,
  reference: string,
  options: BuildOptions = {},
): Promise<void> {
  const work = await mkdtemp(join(dir, "build-"));
  const files = join(work, "files");
  await mkdir(files);
  for (const [path, text] of Object.entries(options.files ?? {})) {
    const place = join(files, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
  }
  if (options.folder !== undefined) {
    const { code, stderr } = await runProgram("cp", ["-a", `${options.folder}/.`, files]);
    if (code !== 0) throw new Error(`cp ended with ${code}: ${stderr}`);
  }
  const lines = [`FROM ${options.from ?? BUSYBOX}`, "COPY . /", ...(options.instructions ?? [])];
  const dockerfile = join(work, "Dockerfile");
  await writeFile(dockerfile, `${lines.join("\n")}\n`);
  await must(["build", "-q", "--network", "none", "-f", dockerfile, "-t", reference, files]);
}
