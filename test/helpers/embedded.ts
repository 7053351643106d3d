// A daemon in the process of the test, which listens for nobody, and the folders it lives in.
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { createDaemon, type Daemon, type DaemonDeps, type DaemonOptions } from "../../services/index.js";
import { removeEngineLeftovers } from "./leftovers.js";
import { tempDir } from "./temp.js";

export interface Embedded extends Daemon {
  readonly rootDir: string;
  readonly stateDir: string;
}

/** Starts it. It and whatever its tasks left behind end with the scope. */
export async function startEmbedded(
  scope: DisposeScope,
  options: DaemonOptions & { readonly dir?: string } = {},
  deps: DaemonDeps = {},
): Promise<Embedded> {
  const { dir = await tempDir(scope), ...more } = options;
  const rootDir = join(dir, "root");
  const stateDir = join(dir, "state");
  const address = more.address ?? join(stateDir, "berth.sock");
  scope.defer(() => removeEngineLeftovers(address, stateDir));
  const daemon = scope.use(await createDaemon({ root: rootDir, state: stateDir, ...more }, deps));
  return { ...daemon, rootDir, stateDir };
}
