// What every integration test owns: a folder of its own and a containerd namespace of its own, both gone afterwards.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { removeNamespaceLeftovers } from "./leftovers.js";

/** A fresh folder under the system's temporary one, removed with the scope. Short, since socket paths end at 107 bytes. */
export async function tempDir(scope: DisposeScope): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "bt-"));
  scope.defer(() => rm(path, { recursive: true, force: true }));
  return path;
}

/**
 * A namespace nobody else uses: runc's state and the cgroups belong to the host, not to a daemon. Take it before the daemon is
 * started, so that what is left of it on the host is removed after the daemon has ended.
 */
export function freshNamespace(scope: DisposeScope): string {
  // The run's mark in front: by it test/setup/leftovers.ts knows what is left of this run.
  const namespace = `bt-${process.env["BERTH_TEST_RUN"] ?? ""}${randomBytes(5).toString("hex")}`;
  scope.defer(() => removeNamespaceLeftovers(namespace));
  return namespace;
}
