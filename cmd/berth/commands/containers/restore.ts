// berth containers restore: a container made of a checkpoint, running.
// @source containerd cmd/ctr/commands/containers/restore.go
import { restoreContainer, stateOf } from "../../../../api/client/checkpoint.js";
import { cleanupOf, removeContainer, rootfsOf } from "../../../../api/client/run/remove.js";
import { readSpec } from "../../../../api/client/spec/read-spec.js";
import { isNotFound, isUnavailable } from "../../../../api/core/errors.js";
import type { Image } from "../../../../api/core/image.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { interruptible } from "../../interrupt.js";
import { runSession } from "../../session.js";

interface RestoreFlags {
  rw?: boolean | undefined;
  live?: boolean | undefined;
}

export const command = defineCommand<RestoreFlags>({
  arguments: "[container] [image]",
  completes: ["none", "image"],
  help: `Runs it in the background, as tasks start --detach does. A checkpoint that is not here is pulled. With --live its processes go on where
they were, which needs CRIU.`,
  examples: [
    {
      line: "berth containers restore --rw web2 example.com/web:saved",
      does: "a second one, with what the first had written",
    },
  ],
  options: (command) => {
    command
      .option("--rw", "with the layer that the checkpoint has")
      .option("--live", "go on from the state of its processes");
  },
  run: async (context, [id = "", ref = ""], { rw, live }) => {
    if (id === "") throw new UsageError("container id must be provided");
    if (ref === "") throw new UsageError("ref must be provided");
    await interruptible(context.request, (request) => restore({ ...context, request }, id, ref, { rw, live }));
  },
});

/** On failure nothing is left. */
async function restore(context: CommandContext, id: string, ref: string, { rw, live }: RestoreFlags): Promise<void> {
  const { client, request, output } = context;
  const image = await checkpointOf(context, ref);
  const state = live === true ? await stateOf(client, request, image) : undefined;
  const container = await restoreContainer(client, request, id, image, { rw: rw === true });
  try {
    await runSession({
      client,
      request,
      output,
      id,
      execId: "",
      terminal: readSpec(container).process?.terminal === true,
      detach: true,
      register: async (ctx, stdio) => {
        const checkpoint = state && { ...state, sizeBytes: BigInt(state.sizeBytes) };
        const rootfs = await rootfsOf(client, ctx, container);
        await client.tasks.create(ctx, id, { ...stdio, rootfs, checkpoint });
      },
    });
  } catch (error) {
    if (!isUnavailable(error)) await removeContainer(client, cleanupOf(request), container).catch(() => undefined);
    throw error;
  }
}

/** As it is here, else from its registry. */
async function checkpointOf({ client, request }: CommandContext, ref: string): Promise<Image> {
  try {
    return await client.images.get(request, ref);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const [{ pull }, { onlyPlatforms, hostPlatform }, { openRegistry }, { showProgress }] = await Promise.all([
    import("../../../../api/client/distribution/pull.js"),
    import("../../../../api/client/distribution/platform.js"),
    import("../../registry-flags.js"),
    import("../../progress/show-progress.js"),
  ]);
  await using registry = await openRegistry({});
  using display = showProgress(process.stderr);
  const platform = onlyPlatforms([hostPlatform()]);
  return await pull(client, request, ref, { registry, platform, onProgress: display.onProgress });
}
