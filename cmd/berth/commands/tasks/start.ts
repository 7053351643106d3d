// berth tasks start: runs a container that exists.
// @source containerd cmd/ctr/commands/tasks/start.go

import { rootfsOf } from "../../../../api/client/run/remove.js";
import { readSpec } from "../../../../api/client/spec/read-spec.js";
import { defineCommand } from "../../command.js";
import { showingDockerPull } from "../../docker-pull.js";
import { SESSION_FAILURE_STATUS } from "../../exit-status.js";
import { runSession } from "../../session.js";
import { addStdioOptions, type StdioFlags } from "../../stdio-flags.js";

export const command = defineCommand<StdioFlags>({
  arguments: "<container>",
  failureStatus: SESSION_FAILURE_STATUS,
  completes: ["container"],
  examples: [
    { line: "berth tasks start web", does: "runs a container that exists, attached" },
    { line: "berth tasks start -d web", does: "in the background" },
  ],
  help: "berth exits with the status of the process. The task is removed when it has ended, the container stays.",
  options: addStdioOptions,
  run: async (context, [id = ""], flags) => {
    const { client, request, output } = context;
    const container = await client.containers.get(request, id);
    const spec = readSpec(container);
    const { status } = await runSession({
      client,
      request,
      output,
      id,
      execId: "",
      terminal: spec.process?.terminal === true,
      detach: flags.detach === true,
      nullIo: flags.nullIo,
      logUri: flags.logUri,
      fifoDir: flags.fifoDir,
      pidFile: flags.pidFile,
      detachKeys: flags.detachKeys,
      register: async (ctx, stdio) => {
        const rootfs = await rootfsOf(client, ctx, container);
        await showingDockerPull(context, container, () => client.tasks.create(ctx, id, { ...stdio, rootfs }));
      },
    });
    return status;
  },
});
