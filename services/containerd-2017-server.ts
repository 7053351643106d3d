// The API of containerd in May 2017, on a socket of its own: its packages share names with today's, so that reflection can tell of
// only one of the two at a place, and a client that dials the wrong one hears of it at once.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ContainersDeps } from "./containerd-2017/containers.js";
import { defineContainers } from "./containerd-2017/containers.js";
import { defineTasks, type TasksDeps } from "./containerd-2017/tasks.js";
import type { Containerd2017Config } from "./daemon-config.js";
import { type GrpcServer, serveGrpc } from "./grpc/server.js";
import { defineReflectionServices } from "./reflection/service.js";

export interface Containerd2017Deps extends Omit<ContainersDeps & TasksDeps, "namespace" | "snapshotter" | "tempDir"> {
  /** The daemon's folder of what lasts: dumps pass through it. */
  readonly rootDir: string;
  readonly stopDeadlineMs: number;
}

/** Dumps that a crash left lie here until the next start. */
const TEMP_FOLDER = "containerd-2017";

/** Serves until disposed. @throws failed_precondition when somebody else serves at the address. */
export async function serveContainerd2017(
  { address, namespace, snapshotter }: Containerd2017Config,
  { rootDir, stopDeadlineMs, ...deps }: Containerd2017Deps,
): Promise<GrpcServer> {
  const tempDir = join(rootDir, TEMP_FOLDER);
  await rm(tempDir, { recursive: true, force: true });
  await mkdir(tempDir, { mode: 0o700 });
  const services = [
    defineContainers({ ...deps, namespace, snapshotter }),
    defineTasks({ ...deps, namespace, tempDir }),
  ];
  const reflection = defineReflectionServices({
    descriptorsPath: fileURLToPath(new URL("../api/gen/v2017/api.binpb", import.meta.url)),
    services,
  });
  return await serveGrpc({ path: address, services: [...services, ...reflection], log: deps.log, stopDeadlineMs });
}
