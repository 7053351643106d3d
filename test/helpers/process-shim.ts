// The process shim under the name by which daemons look for it, whether it runs from dist or from the sources.
import { chmod, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { createProcessSpec, type ProcessSpecOptions } from "../../api/client/spec/process-spec.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Any, anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { ownProgram } from "./own-program.js";
import { tempDir } from "./temp.js";

export const PROCESS_RUNTIME = "io.berth.process.v1";
export const PROCESS_SHIM = "containerd-shim-process-v1";

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** A folder with nothing but the shim in it, which everybody can read. */
export async function processShimFolder(scope: DisposeScope): Promise<string> {
  const folder = await tempDir(scope);
  const program = join(folder, PROCESS_SHIM);
  await writeFile(program, `#!/bin/sh\nexec ${ownProgram(PROCESS_SHIM).map(quoted).join(" ")} "$@"\n`);
  await chmod(program, 0o755);
  await chmod(folder, 0o755);
  return folder;
}

/** The environment of this process with a folder in front of its PATH. */
export function withFolder(folder: string): Record<string, string | undefined> {
  return { ...process.env, PATH: [folder, process.env["PATH"] ?? ""].join(delimiter) };
}

/** The spec of a process of the host that runs these arguments. */
export function processSpec(args: readonly string[], options: Partial<ProcessSpecOptions> = {}): Any {
  return anyOfJson(SPEC_TYPE, createProcessSpec({ args, cwd: "/", ...options }));
}
