// berth containers checkpoint: a container as an image, to be made anew from it.
// @source containerd cmd/ctr/commands/containers/checkpoint.go
import { checkpointContainer } from "../../../../api/client/checkpoint.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { interruptible } from "../../interrupt.js";

interface CheckpointFlags {
  rw?: boolean;
  image?: boolean;
  task?: boolean;
}

export const command = defineCommand<CheckpointFlags>({
  arguments: "[container] [image]",
  completes: ["container", "none"],
  help: `The image holds runtime and spec, and what the flags say. --task needs CRIU and a daemon that puts checkpoints into its content
(containerd; for berthd there is tasks checkpoint --image-path). A task that runs stands still meanwhile.`,
  examples: [
    {
      line: "berth containers checkpoint --rw web example.com/web:saved",
      does: "the container with what it has written",
    },
  ],
  options: (command) => {
    command
      .option("--rw", "with the layer that it writes to")
      .option("--image", "with its image")
      .option("--task", "with the state of its processes");
  },
  run: async ({ client, request }, [id = "", ref = ""], { rw, image, task }) => {
    if (id === "") throw new UsageError("container id must be provided");
    if (ref === "") throw new UsageError("ref must be provided");
    const options = { rw: rw === true, image: image === true, task: task === true };
    await interruptible(request, (ctx) => checkpointContainer(client, ctx, id, ref, options));
  },
});
