// The bridges for Docker and LXD tasks as a test starts them, and what they leave behind.
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { ownProgram } from "./own-program.js";
import { tempDir } from "./temp.js";
import { until } from "./until.js";

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The path of a program that is the bridge, whether it runs from dist or from the sources, with this added to its environment. */
export async function bridgeProgram(
  scope: DisposeScope,
  env: Readonly<Record<string, string>> = {},
  name: "berth-docker-bridge" | "berth-lxd-bridge" = "berth-docker-bridge",
): Promise<string> {
  const program = join(await tempDir(scope), name);
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const words = ["env", ...settings, ...ownProgram(name)];
  await writeFile(program, `#!/bin/sh\nexec ${words.map(quoted).join(" ")} "$@"\n`);
  await chmod(program, 0o755);
  return program;
}

/** The pid of the bridge at this socket; undefined when there is none. */
export async function bridgePid(socketPath: string): Promise<number | undefined> {
  return (await bridgePids(socketPath))[0];
}

/** Of all bridges at this socket: more than one would be a mistake. */
export async function bridgePids(socketPath: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = (await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (words.includes(socketPath) && words.some((word) => /(docker|lxd)-bridge/.test(word))) found.push(Number(name));
  }
  return found;
}

/** Ends the bridge at this socket, with whatever streams it has. */
export async function endBridge(socketPath: string): Promise<void> {
  for (const pid of await bridgePids(socketPath)) process.kill(pid, "SIGKILL");
  await until("the bridge to end", async () => (await bridgePids(socketPath)).length === 0);
}
