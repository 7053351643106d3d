// berth restart: the task of a container is stopped, and a new one started in its place, on stdio of the same kind.
import { lstat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { rootfsOf } from "../../../api/client/run/remove.js";
import { stopTask } from "../../../api/client/run/stop-task.js";
import { readSpec } from "../../../api/client/spec/read-spec.js";
import type { RequestContext } from "../../../api/core/context.js";
import { failedPrecondition, isNotFound } from "../../../api/core/errors.js";
import type { Stdio } from "../../../api/core/task.js";
import { allAtOnce } from "../at-once.js";
import { type CommandContext, defineCommand } from "../command.js";
import { interruptible } from "../interrupt.js";
import { showWaiting } from "../progress/waiting.js";
import { runSession } from "../session.js";
import { addStopOptions, type StopFlags, stopOptionsOf } from "../stop-flags.js";
import { filesGoWithTask } from "../task-files.js";

export const command = defineCommand<StopFlags>({
  arguments: "<containers...>",
  completes: ["container"],
  examples: [{ line: "berth restart web", does: "ends its task and starts it again, in the background" }],
  help: `A container that does not run is started. The new task runs detached, and its output goes where that of the old one went: on into
the container's log, into the same file or program, or into pipes that "berth attach" connects to. Docker and LXD keep what a task has written with
the task, so there --discard is needed.`,
  options: addStopOptions,
  run: async (context, ids, flags) => {
    await interruptible(context.request, (request) =>
      allAtOnce({ ...context, request }, ids, (id) => restart({ ...context, request }, id, flags)),
    );
  },
});

async function restart(context: CommandContext, id: string, flags: StopFlags): Promise<void> {
  const { client, request, output } = context;
  const container = await client.containers.get(request, id);
  const spec = readSpec(container);
  if (flags.discard !== true && filesGoWithTask(container) && (await hasTask(context, id))) {
    const why = `a new task of ${container.runtime.name} begins with the image`;
    throw failedPrecondition(`task ${id} would be lost with what it has written, since ${why} (--discard allows it)`);
  }
  const given = await givenStdio(context, request, id);
  await showWaiting(`stopping ${id}`, stopTask(client, request, id, await stopOptionsOf(context, flags, container)));
  await runSession({
    client,
    request,
    output,
    id,
    execId: "",
    terminal: given === undefined && spec.process?.terminal === true,
    detach: true,
    nullIo: given !== undefined,
    register: async (ctx, stdio) => {
      const rootfs = await rootfsOf(client, ctx, container);
      await client.tasks.create(ctx, id, { ...stdio, ...given, rootfs });
    },
  });
  output.line(id);
}

async function hasTask({ client, request }: CommandContext, id: string): Promise<boolean> {
  return (await client.tasks.list(request)).some(({ containerId }) => containerId === id);
}

/** What the task there is was told to use that the next one can use too; undefined for pipes, which belong to one task. */
async function givenStdio({ client }: CommandContext, request: RequestContext, id: string): Promise<Stdio | undefined> {
  try {
    const { stdin, stdout, stderr, terminal } = await client.tasks.get(request, id, "");
    const pipes = await Promise.all([stdin, stdout, stderr].map(isPipe));
    return pipes.includes(true) ? undefined : { stdin, stdout, stderr, terminal };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

/** One that is gone counts: its client has put it away. */
async function isPipe(path: string): Promise<boolean> {
  if (!isAbsolute(path)) return false;
  return await lstat(path).then(
    (stats) => stats.isFIFO(),
    () => true,
  );
}
