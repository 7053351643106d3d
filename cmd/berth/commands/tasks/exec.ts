// berth tasks exec: one more process in a running task.
// @source containerd cmd/ctr/commands/tasks/exec.go
import { randomBytes } from "node:crypto";
import { execProcess } from "../../../../api/client/spec/exec-process.js";
import { readSpec } from "../../../../api/client/spec/read-spec.js";
import type { RequestContext } from "../../../../api/core/context.js";
import { anyOfJson, PROCESS_TYPE } from "../../../../api/core/typeurl.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { EarlyCall } from "../../early-call.js";
import { SESSION_FAILURE_STATUS } from "../../exit-status.js";
import { collect, withoutDashes } from "../../flags.js";
import { runSession } from "../../session.js";
import { addStdioOptions, type StdioFlags } from "../../stdio-flags.js";

interface ExecFlags extends StdioFlags {
  execId?: string;
  cwd?: string;
  tty?: boolean;
  env?: string[];
  user?: string;
}

export const command = defineCommand<ExecFlags>({
  arguments: "<container> <command...>",
  passThrough: true,
  failureStatus: SESSION_FAILURE_STATUS,
  completes: ["task", "none"],
  examples: [
    { line: "berth tasks exec web ls -l /", does: "one more process in the task" },
    { line: "berth tasks exec -t --user nobody web sh", does: "a shell in it, as another user" },
  ],
  help: `berth exits with the status of the process. With --detach its output goes nowhere, since nobody can attach to it, unless
--log-uri or --fifo-dir say where.`,
  options: (command) => {
    command
      .option("--exec-id <id>", "name of the process; default: a random one")
      .option("--cwd <dir>", "working directory")
      .option("-t, --tty", "give it a terminal")
      .option("--env <key=value>", "environment variable, beside the container's own (repeatable)", collect)
      .option("-u, --user <user[:group]>", "user by name or number, looked up in the root filesystem");
    addStdioOptions(command);
  },
  run: async ({ client, request, output }, [id = "", ...words], flags) => {
    const args = withoutDashes(words);
    const terminal = flags.tty === true;
    const container = new EarlyCall(request, (ctx) => client.containers.get(ctx, id));
    const unheard = flags.detach === true && !terminal && flags.logUri === undefined && flags.fifoDir === undefined;
    const execId = flags.execId ?? `exec-${randomBytes(6).toString("hex")}`;
    const { status } = await runSession({
      client,
      request,
      output,
      id,
      execId,
      terminal,
      detach: flags.detach === true,
      nullIo: flags.nullIo === true || unheard,
      logUri: flags.logUri,
      fifoDir: flags.fifoDir,
      pidFile: flags.pidFile,
      detachKeys: flags.detachKeys,
      register: async (ctx, stdio) => {
        const spec = readSpec(await container.answer(ctx.signal));
        // On a snapshot the spec names no folder of ours; the task's own view of its root is as good.
        const isFolder = flags.user === undefined || (spec.root?.path ?? "/").startsWith("/");
        const rooted = isFolder ? spec : { ...spec, root: { path: await rootOf(client, ctx, id) } };
        const process = execProcess(rooted, { args, terminal, cwd: flags.cwd, env: flags.env, user: flags.user });
        await client.tasks.exec(ctx, id, execId, { ...stdio, spec: anyOfJson(PROCESS_TYPE, process) });
      },
    });
    return status;
  },
});

/** The root of a running task as the kernel shows it. */
async function rootOf(client: CommandContext["client"], ctx: RequestContext, id: string): Promise<string> {
  return `/proc/${(await client.tasks.get(ctx, id, "")).pid}/root`;
}
