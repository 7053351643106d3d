// berth gc run: takes away what nothing holds, now instead of when the daemon finds it worth the while.
import { defineCommand } from "../../command.js";
import { showWaiting } from "../../progress/waiting.js";

interface RunFlags {
  dryRun?: boolean;
}

export const command = defineCommand<RunFlags>({
  lists: true,
  examples: [
    { line: "berth gc run --dry-run", does: "what would be removed, and why" },
    { line: "berth gc run", does: "removes it" },
  ],
  help: `Runs over all namespaces. What no image, container, lease or label holds is removed, each with an event of topic
/berth/gc/removed, and bytes that no namespace knows any more are freed. Watch removals with
berth events 'topic=="/berth/gc/removed"'.`,
  options: (command) => {
    command.option("--dry-run", "only show what would be removed");
  },
  run: async ({ client, request, output }, _args, flags) => {
    const report = await showWaiting(
      "collecting",
      client.collector.collect({ dryRun: flags.dryRun === true, signal: request.signal }),
    );
    const isForPeople = output.isForPeople;
    if (report.removed.length > 0 || !isForPeople) {
      output.list([...report.removed], {
        id: ({ key }) => key,
        columns: [
          { title: "NAMESPACE", text: ({ namespace }) => namespace },
          { title: "TYPE", text: ({ type }) => type },
          { title: "KEY", text: ({ key }) => key },
          { title: "REASON", text: ({ reason }) => reason },
        ],
        json: (removal) => removal,
      });
    }
    if (!isForPeople) return;
    const verb = flags.dryRun === true ? "would be removed" : "removed";
    output.line(`${report.removed.length} ${verb}, ${report.freedBytes} bytes freed`);
  },
});
