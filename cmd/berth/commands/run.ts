// berth run: a container, its task and its process, from nothing to the exit status.
// @source containerd cmd/ctr/commands/run/run.go

import { cleanupOf, removeContainer, removeProcess } from "../../../api/client/run/remove.js";
import { isUnavailable } from "../../../api/core/errors.js";
import { LOG_KEEP } from "../../../api/core/task-log.js";
import type { SessionEnd } from "../attached.js";
import type { ContainerNetwork } from "../cni/network.js";
import { type CommandContext, defineCommand } from "../command.js";
import { addContainerOptions, parseTarget, taskOptionsOf } from "../container-flags.js";
import type { ContainerFlags } from "../container-request.js";
import { createContainer } from "../create-container.js";
import { showingDockerPull } from "../docker-pull.js";
import { EarlyCall } from "../early-call.js";
import { SESSION_FAILURE_STATUS, UsageError } from "../exit-status.js";
import { runSession } from "../session.js";
import { addStdioOptions, type StdioFlags } from "../stdio-flags.js";

interface RunFlags extends ContainerFlags, StdioFlags {
  rm?: boolean;
}

export const command = defineCommand<RunFlags>({
  arguments: "[image|rootfs] [id] [command...]",
  passThrough: true,
  failureStatus: SESSION_FAILURE_STATUS,
  completes: ["image", "none", "none"],
  examples: [
    {
      line: "berth run --rm docker.io/library/busybox:latest hello echo hi",
      does: "runs a command in a container that is removed when it has ended",
    },
    {
      line: "berth run -d --pull missing docker.io/library/nginx:alpine web",
      does: "pulls the image if it is not here, and runs it in the background",
    },
    { line: "berth run --rm -t docker.io/library/busybox:latest box sh", does: "a shell in a container" },
    { line: "berth run --rootfs --rm ./rootfs hello echo hi", does: "a folder in the place of an image" },
    { line: "berth run --rm --runtime io.berth.process.v1 hello echo hi", does: "a process of the host" },
    {
      line: "berth run -d --runtime io.berth.docker.v1 -p 8080:80 nginx web",
      does: "a container of the Docker engine",
    },
    { line: "berth run -d --runtime io.berth.lxd.v1 debian/12 box", does: "a system container of LXD" },
  ],
  help: `The image must be here, unless --pull says otherwise; a command takes the place of its entrypoint and command. On a folder
/bin/sh is run without a command. berth exits with the status of the process, 128 and the signal's number after a signal,
and with 125 when it fails itself; then nothing is left of what it had made. Signals are passed on to the process.

Runtime io.berth.process.v1, the default for all users but root, runs a process of the host: there is no image, so the id comes first.
It starts in the working directory of berth, with its PATH, HOME, USER and LANG.

Runtime io.berth.docker.v1 runs a container of the daemon's Docker engine. The image is the engine's own, else the daemon's, else that
of its registry, which the engine pulls unless --pull says otherwise; the engine chooses platform, layers and network.

Runtime io.berth.lxd.v1 runs a system container of the daemon's LXD. The image is an alias of LXD's, which boots its init; a command
takes the place of that.`,
  options: (command) => {
    addContainerOptions(command, { cpuShares: 1024 });
    addStdioOptions(command);
    command.option("--cni", "connect it to the network of /etc/cni/net.d");
    command.option("--rm", "remove the container afterwards; excludes --detach");
  },
  run,
});

async function run(context: CommandContext, args: readonly string[], flags: RunFlags): Promise<number> {
  if (flags.rm === true && flags.detach === true) {
    throw new UsageError("flags --detach and --rm cannot be specified together");
  }
  const { client, request, namespace, output } = context;
  const target = parseTarget(flags, args);
  // A log goes with its container, and whoever puts output elsewhere does not want it here.
  const hasLog = flags.rm !== true && flags.logUri === undefined && flags.nullIo !== true;
  const { log = hasLog ? LOG_KEEP : undefined } = flags;
  const { id } = target;
  const network = flags.cni === true ? await openNetwork(namespace, id) : undefined;
  // Its pipes are made while the daemon works.
  const creation = new EarlyCall(request, (ctx) =>
    createContainer({ ...context, request: ctx }, { ...flags, log }, target),
  );
  const remove = async (): Promise<void> => {
    await removeContainer(client, cleanupOf(request), (await creation.answer(undefined)).container);
  };
  let end: SessionEnd;
  try {
    end = await runSession({
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
      detachKeys: flags.detachKeys,
      isOwner: () => creation.isDone,
      register: async (ctx, stdio) => {
        const { container, rootfs } = await creation.answer(ctx.signal);
        const { pid } = await showingDockerPull(context, container, () =>
          client.tasks.create(ctx, id, { ...stdio, rootfs, options: taskOptionsOf(flags) }),
        );
        try {
          await network?.attach(pid, ctx.signal);
        } catch (error) {
          await removeProcess(client, cleanupOf(request), id, "");
          throw error;
        }
      },
    });
  } catch (error) {
    await creation.answer(AbortSignal.abort()).catch(() => undefined);
    if (!isUnavailable(error)) await network?.detach().catch(() => undefined);
    // Only a daemon that is away keeps what we made: the process may be running.
    if (creation.isDone && !isUnavailable(error)) await remove().catch(() => undefined);
    throw error;
  }
  if (!end.isLeft) await network?.detach();
  if (flags.rm === true && end.isLeft) output.warn(`${id} was left, so it stays when it has ended, in spite of --rm`);
  else if (flags.rm === true) await remove();
  return end.status;
}

/** Loaded when there is one. */
async function openNetwork(namespace: string, id: string): Promise<ContainerNetwork> {
  return await (await import("../cni/network.js")).openNetwork(namespace, id);
}
