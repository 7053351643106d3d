// berth run: a container, its task and its process, from nothing to the exit status.
// @source containerd cmd/ctr/commands/run/run.go
import { isNotFound, isUnavailable } from "../../../api/core/errors.js";
import { type CommandContext, defineCommand } from "../command.js";
import { addContainerOptions, type ContainerFlags, containerOf, taskOptionsOf } from "../container-flags.js";
import { EarlyCall } from "../early-call.js";
import { SESSION_FAILURE_STATUS, UsageError } from "../exit-status.js";
import { runSession } from "../session.js";
import { addStdioOptions, type StdioFlags } from "../stdio-flags.js";

interface RunFlags extends ContainerFlags, StdioFlags {
  rm?: boolean;
}

const CLEANUP_TIMEOUT_MS = 15_000;

export const command = defineCommand<RunFlags>({
  arguments: "[rootfs] [id] [command...]",
  passThrough: true,
  failureStatus: SESSION_FAILURE_STATUS,
  help: `Without a command /bin/sh is run. berth exits with the status of the process, 128 and the signal's number after a signal,
and with 125 when it fails itself; then nothing is left of what it had made. Signals are passed on to the process.

  berth run --rm --rootfs ./rootfs hello /bin/echo hi
  berth run -d --rootfs --memory-limit 64m --env KEY=value ./rootfs web /bin/httpd -f
  berth run --rm -t --rootfs ./rootfs shell`,
  options: (command) => {
    addContainerOptions(command, { cpuShares: 1024 });
    addStdioOptions(command);
    command.option("--rm", "remove the container afterwards; excludes --detach");
  },
  run,
});

async function run(context: CommandContext, args: readonly string[], flags: RunFlags): Promise<number> {
  if (flags.rm === true && flags.detach === true) {
    throw new UsageError("flags --detach and --rm cannot be specified together");
  }
  const { client, request, output, namespace } = context;
  const container = await containerOf(flags, namespace, args);
  const { id } = container;
  // Nothing that a container on a folder refers to could be collected, so no lease; and its pipes are made while the daemon works.
  const creation = new EarlyCall(request, (ctx) => client.containers.create(ctx, container));
  const remove = async (): Promise<void> => {
    const cleanup = { namespace, signal: AbortSignal.timeout(CLEANUP_TIMEOUT_MS) };
    await client.containers.delete(cleanup, id).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  };
  let status: number;
  try {
    status = await runSession({
      client,
      request,
      output,
      id,
      execId: "",
      terminal: flags.tty === true,
      detach: flags.detach === true,
      nullIo: flags.nullIo,
      logUri: flags.logUri,
      fifoDir: flags.fifoDir,
      pidFile: flags.pidFile,
      isOwner: () => creation.isDone,
      register: async (ctx, stdio) => {
        await creation.answer(ctx.signal);
        await client.tasks.create(ctx, id, { ...stdio, rootfs: [], options: taskOptionsOf(flags) });
      },
    });
  } catch (error) {
    await creation.answer(AbortSignal.abort()).catch(() => undefined);
    // Only a daemon that is away keeps what we made: the process may be running.
    if (creation.isDone && !isUnavailable(error)) await remove().catch(() => undefined);
    throw error;
  }
  if (flags.rm === true) await remove();
  return status;
}
