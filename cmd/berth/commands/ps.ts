// berth ps: containers with the state of their tasks.
import { defineCommand } from "../command.js";
import { parseContainerFilters } from "../daily/container-filter.js";
import { containerListing, containerRow } from "../daily/container-row.js";
import { readHostProcess } from "../daily/host-process.js";
import { lastExits } from "../daily/last-exits.js";
import { isAlive } from "../daily/task-pids.js";
import { collect } from "../flags.js";

interface PsFlags {
  all?: boolean;
  filter?: string[];
}

export const command = defineCommand<PsFlags>({
  lists: true,
  watches: true,
  help: `Without -a only what runs. A filter is one of containerd's (labels.tier==one, id~=^web) or a short one: status=exited, name=web,
image=busybox, runtime=io.containerd.runc.v2, label=tier or label=tier=one. A container must pass all of them; with a status, -a
is meant. How a task ended is known as long as the task is there, and afterwards from berthd, which remembers.`,
  examples: [
    { line: "berth ps", does: "what runs" },
    { line: "berth ps -a --filter status=exited --format wide", does: "what has ended, with labels" },
    { line: "berth ps --watch", does: "what runs, as it changes" },
  ],
  options: (command) => {
    command
      .option("-a, --all", "containers that do not run, too")
      .option("-f, --filter <filter>", "only what it lets pass; may be given again and again", collect);
  },
  run: async ({ client, request, output }, _, flags) => {
    const { filters, states } = parseContainerFilters(flags.filter ?? []);
    const [containers, tasks] = await Promise.all([
      client.containers.list(request, filters),
      client.tasks.list(request),
    ]);
    const byId = new Map(tasks.map((task) => [task.containerId, task]));
    const isRunning = (id: string): boolean => {
      const task = byId.get(id);
      return task !== undefined && isAlive(task);
    };
    const all = flags.all === true || states !== undefined;
    const shown = all ? containers : containers.filter(({ id }) => isRunning(id));
    const ended = shown.filter(({ id }) => !isRunning(id));
    const exits = output.quiet && states === undefined ? undefined : await lastExits(client, request, ended);
    const rows = await Promise.all(
      shown.map(async (container) => {
        const task = byId.get(container.id);
        const process = task === undefined || output.quiet ? undefined : await readHostProcess(task.pid);
        const exit = exits?.get(container.id);
        return containerRow(container, task, exit, exits !== undefined, process?.startedAtMs);
      }),
    );
    output.list(
      rows.filter(({ state }) => states === undefined || states.has(state)),
      containerListing,
    );
  },
});
