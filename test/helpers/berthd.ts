// A private berthd in a child process, with folders and sockets of its own, as the interop tests run it beside a containerd.
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import type { Engine } from "./engine.js";
import { removeEngineLeftovers } from "./leftovers.js";
import { ownProgram } from "./own-program.js";
import { startProgram } from "./program.js";
import { tempDir } from "./temp.js";
import { untilAnswers } from "./until-answers.js";

/** Starts berthd and resolves when it answers. It and whatever its tasks left behind end with the scope. */
export async function startBerthd(
  scope: DisposeScope,
  command: readonly [string, ...string[]] = ownProgram("berthd"),
): Promise<Engine> {
  const dir = await tempDir(scope);
  const [root, state, address] = [join(dir, "root"), join(dir, "state"), join(dir, "b.sock")];
  const [file, ...first] = command;
  scope.defer(() => removeEngineLeftovers(address, state));
  const args = [...first, "--root", root, "--state", state, "--address", address, "--log-level", "info"];
  const daemon = scope.use(
    await startProgram(file, args, { timeoutMs: 3_600_000, env: { NODE_EXTRA_CA_CERTS: undefined } }),
  );
  scope.defer(() => daemon.stop());
  await untilAnswers(address, daemon);
  return { name: "berthd", address, stateDir: state, pid: daemon.pid, log: () => daemon.stderr() + daemon.stdout() };
}
