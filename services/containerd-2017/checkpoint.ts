// Checkpoint as it was then: the runtime dumps into a folder, and what it wrote goes into the content store as one archive, with
// the spec beside it. Labels keep both from the collector, which there was none of in 2017; whoever wanted them removes them.
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerReader } from "../../api/core/container.js";
import type { ContentStore } from "../../api/core/content.js";
import type { RequestContext } from "../../api/core/context.js";
import type { Differ } from "../../api/core/diff.js";
import { notImplemented } from "../../api/core/errors.js";
import type { Tasks } from "../../api/core/task.js";
import { type Clock, formatTime } from "../../api/core/time.js";
import { anyOfMessage, RUNC_CHECKPOINT_OPTIONS_TYPE } from "../../api/core/typeurl.js";
import { writeBlob } from "../../api/core/write-blob.js";
import { CheckpointOptions } from "../../api/gen/types/runc/options/oci.js";
import type { CheckpointRequest } from "../../api/gen/v2017/api/services/execution/execution.js";
import type { Descriptor } from "../../api/gen/v2017/api/types/descriptor/descriptor.js";
import { toDescriptor } from "./convert-task.js";
import { NO_CONTAINER, ofTask, worded } from "./failures.js";

export const CRIU_TYPE = "application/vnd.containerd.container.criu.checkpoint.criu.tar";
const SPEC_TYPE = "application/vnd.containerd.container.checkpoint.config.v1+json";
const ARCHIVE_TYPE = "application/vnd.oci.image.layer.v1.tar";
const ROOT_LABEL = "containerd.io/gc.root";

export interface CheckpointDeps {
  readonly containers: ContainerReader;
  readonly tasks: Pick<Tasks, "checkpoint">;
  readonly content: ContentStore;
  readonly differ: Differ;
  readonly clock: Clock;
  /** Folder for dumps on their way; it exists. */
  readonly tempDir: string;
}

/** @throws not_implemented for one on top of another; kind unknown for what the runtime refuses. */
export async function checkpoint(
  { containers, tasks, content, differ, clock, tempDir }: CheckpointDeps,
  ctx: RequestContext,
  request: CheckpointRequest,
): Promise<Descriptor[]> {
  const { containerId: id } = request;
  if (request.parentCheckpoint !== "") throw notImplemented("checkpoint on top of another one");
  const { spec } = await worded(containers.get(ctx, id), { not_found: NO_CONTAINER });
  const folder = await mkdtemp(join(tempDir, "checkpoint-"));
  try {
    await ofTask(tasks.checkpoint(ctx, id, toOptions(request, folder)));
    const labels = { [ROOT_LABEL]: formatTime(clock()) };
    const dump = [{ type: "bind", source: folder, options: ["rbind", "ro"] }];
    const archive = await differ.diff(ctx, [], dump, { mediaType: ARCHIVE_TYPE, labels });
    const digest = await writeBlob(content, ctx, {
      ref: `checkpoint-spec-${archive.digest}`,
      sizeBytes: spec.value.length,
      bytes: (offset) => [spec.value.subarray(offset)],
      labels,
    });
    return [
      toDescriptor(CRIU_TYPE, archive.digest, Number(archive.sizeBytes)),
      toDescriptor(SPEC_TYPE, digest, spec.value.length),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const toOptions = (request: CheckpointRequest, imagePath: string) =>
  anyOfMessage(
    RUNC_CHECKPOINT_OPTIONS_TYPE,
    CheckpointOptions,
    CheckpointOptions.fromPartial({
      exit: request.exit,
      openTcp: request.allowTcp,
      externalUnixSockets: request.allowUnixSockets,
      terminal: request.allowTerminal,
      fileLocks: request.fileLocks,
      emptyNamespaces: request.emptyNamespaces,
      imagePath,
    }),
  );
