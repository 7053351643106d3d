// berth spec validate: what is wrong with a spec, before a task is made of it.
import { defineCommand } from "../../command.js";
import { Reported, USAGE_STATUS } from "../../exit-status.js";
import { findingListing, findingsOf, isError } from "../../spec-findings.js";
import { readSpecSource } from "../../spec-source.js";

export const command = defineCommand<{ runtime?: string }>({
  arguments: "<file|-|container>",
  lists: true,
  completes: ["container"],
  help: `Looks at a file (with a slash in its name, or .json), at standard input (-), or at the spec of a container, against the OCI runtime
specification 1.1 and against its runtime: io.berth.process.v1 refuses what only isolation can keep. What Docker and LXD have no words
for they say when the task is made. Nothing is printed for a spec without faults; with errors berth exits with 2, warnings are members
that a runtime passes over.`,
  examples: [
    { line: "berth spec validate ./config.json", does: "a file" },
    { line: "berth spec validate --runtime io.berth.process.v1 - < config.json", does: "as a process of the host" },
    { line: "berth spec validate web", does: "what the container web would be run with" },
  ],
  options: (command) => {
    command.option("--runtime <name>", "what is to keep it (default: the container's; of a file none)");
  },
  run: async (context, [name = ""], flags) => {
    const { text, container } = await readSpecSource(context, name);
    const findings = findingsOf(text, container, flags.runtime);
    if (findings.length > 0 || !context.output.isTable) context.output.list(findings, findingListing);
    if (findings.some(isError)) throw new Reported(USAGE_STATUS);
  },
});
