// The bridge for Docker tasks as a test starts it, and what it leaves behind.
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { ownProgram } from "./own-program.js";
import { tempDir } from "./temp.js";

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The path of a program that is the bridge, whether it runs from dist or from the sources. */
export async function bridgeProgram(scope: DisposeScope): Promise<string> {
  const program = join(await tempDir(scope), "berth-docker-bridge");
  await writeFile(program, `#!/bin/sh\nexec ${ownProgram("berth-docker-bridge").map(quoted).join(" ")} "$@"\n`);
  await chmod(program, 0o755);
  return program;
}
