// berth images tag: more names for an image.
// @source containerd cmd/ctr/commands/images/tag.go
import { withLease } from "../../../../api/client/remote-lease-store.js";
import { isAlreadyExists, isNotFound } from "../../../../api/core/errors.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";

export const command = defineCommand<{ force?: boolean; local?: boolean }>({
  arguments: "[source] [targets...]",
  completes: ["image", "none"],
  examples: [
    { line: "berth images tag example.com/app:1 example.com/app:latest", does: "one more name for the image" },
  ],
  options: (command) => {
    command
      .option("--force", "take the name away from the image that has it")
      .option("--local", "taken for scripts of newer clients: the client does it here in any case");
  },
  run: async (context, [source = "", ...targets], flags) => {
    if (source === "") throw new UsageError("please provide an image reference to tag from");
    if (targets.length === 0) throw new UsageError("please provide an image reference to tag to");
    await withLease(context.client.leases, context.request, async (request) => {
      const leased = { ...context, request };
      const { labels, target } = await context.client.images.get(request, source);
      for (const name of targets) {
        await tag(leased, { name, labels, target }, flags.force === true);
        context.output.line(name);
      }
    });
  },
});

type NewImage = Parameters<CommandContext["client"]["images"]["create"]>[1];

async function tag({ client, request }: CommandContext, image: NewImage, force: boolean): Promise<void> {
  try {
    await client.images.create(request, image);
    return;
  } catch (error) {
    if (!force || !isAlreadyExists(error)) throw error;
  }
  await client.images.delete(request, image.name).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
  await client.images.create(request, image);
}
