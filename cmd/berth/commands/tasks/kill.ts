// berth tasks kill: a signal for a task, one of its processes, or all of them.
// @source containerd cmd/ctr/commands/tasks/kill.go
import { defineCommand } from "../../command.js";
import { parseSignal } from "../../signals.js";

const STOP_SIGNAL_LABEL = "io.containerd.image.config.stop-signal";

interface KillFlags {
  signal?: string;
  execId?: string;
  all?: boolean;
}

export const command = defineCommand<KillFlags>({
  arguments: "<container>",
  completes: ["task"],
  examples: [
    { line: "berth tasks kill web", does: "sends its stop signal" },
    { line: "berth tasks kill --all -s SIGKILL web", does: "ends every process in it" },
  ],
  help: "Without --signal the container's own stop signal is sent, else SIGTERM. A container's first process ignores what it does not handle.",
  options: (command) => {
    command
      .option("-s, --signal <signal>", "by name or number")
      .option("--exec-id <id>", "only this process")
      .option("-a, --all", "every process in the container");
  },
  run: async ({ client, request }, [id = ""], flags) => {
    const execId = flags.execId ?? "";
    let name = flags.signal;
    if (name === undefined) {
      const { labels } = await client.containers.get(request, id);
      name = (execId === "" ? labels[STOP_SIGNAL_LABEL] : undefined) ?? "SIGTERM";
    }
    await client.tasks.kill(request, id, execId, { signal: parseSignal(name), all: flags.all === true });
  },
});
