// A private real containerd: the oracle of the interop tests. Its folders and sockets are its own; the shims' sockets in
// /run/containerd/s and runc's state in /run/containerd/runc/<namespace> belong to the host, so every test takes a fresh namespace.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import type { Engine } from "./engine.js";
import { removeEngineLeftovers } from "./leftovers.js";
import { startProgram } from "./program.js";
import { tempDir } from "./temp.js";
import { untilAnswers } from "./until-answers.js";

const DISABLED = [
  "grpc.v1.cri",
  "snapshotter.v1.aufs",
  "snapshotter.v1.btrfs",
  "snapshotter.v1.devmapper",
  "snapshotter.v1.zfs",
];

function config(dir: string): string {
  return `version = 2
root = "${dir}/root"
state = "${dir}/state"
disabled_plugins = [${DISABLED.map((name) => `"io.containerd.${name}"`).join(", ")}]
[grpc]
  address = "${dir}/c.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "${dir}/opt"
`;
}

/** Starts containerd and resolves when it answers. It and whatever its tasks left behind end with the scope. */
export async function startContainerd(
  scope: DisposeScope,
  moreConfig = "",
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Engine> {
  const dir = await tempDir(scope);
  const address = join(dir, "c.sock");
  const configFile = join(dir, "config.toml");
  await writeFile(configFile, config(dir) + moreConfig);
  scope.defer(() => removeEngineLeftovers(address, join(dir, "state")));
  const daemon = scope.use(
    await startProgram("containerd", ["-c", configFile, "-l", "warn"], { timeoutMs: 3_600_000, env }),
  );
  scope.defer(() => daemon.stop());
  await untilAnswers(address, daemon);
  return { name: "containerd", address, stateDir: join(dir, "state"), pid: daemon.pid, log: () => daemon.stderr() };
}
