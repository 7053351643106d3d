// berth tasks checkpoint: the state of a task's processes, written to a folder by CRIU.
// @source containerd cmd/ctr/commands/tasks/checkpoint.go

import { RuncCheckpointOptions } from "../../../../api/client/payloads.js";
import { notImplemented } from "../../../../api/core/errors.js";
import { anyOfMessage, RUNC_CHECKPOINT_OPTIONS_TYPE } from "../../../../api/core/typeurl.js";
import { defineCommand } from "../../command.js";

interface CheckpointFlags {
  exit?: boolean;
  imagePath?: string;
  workPath?: string;
}

export const command = defineCommand<CheckpointFlags>({
  arguments: "<container>",
  completes: ["task"],
  examples: [
    {
      line: "berth tasks checkpoint --exit --image-path /var/tmp/web web",
      does: "writes its state to a folder and ends it",
    },
  ],
  options: (command) => {
    command
      .option("--exit", "stop the container afterwards")
      .option("--image-path <dir>", "where the checkpoint goes")
      .option("--work-path <dir>", "where CRIU's own files and logs go");
  },
  run: async ({ client, request }, [id = ""], flags) => {
    if (flags.imagePath === undefined) throw notImplemented("a checkpoint as an image; give a folder by --image-path");
    const { status } = await client.tasks.get(request, id, "");
    const options = RuncCheckpointOptions.fromPartial({
      exit: flags.exit ?? false,
      imagePath: flags.imagePath,
      workPath: flags.workPath ?? "",
    });
    const pausedHere = status !== "paused";
    if (pausedHere) await client.tasks.pause(request, id);
    try {
      await client.tasks.checkpoint(
        request,
        id,
        anyOfMessage(RUNC_CHECKPOINT_OPTIONS_TYPE, RuncCheckpointOptions, options),
      );
    } finally {
      if (pausedHere && flags.exit !== true) await client.tasks.resume(request, id);
    }
  },
});
