// berth completion: what a shell needs to complete nouns, verbs, flags, and names that the daemon knows.
import { defineCommand } from "../command.js";
import { COMPLETION_SCRIPTS, SHELLS } from "../completion/scripts.js";
import { UsageError } from "../exit-status.js";

export const command = defineCommand({
  arguments: "<shell>",
  completes: ["none"],
  examples: [
    { line: 'eval "$(berth completion bash)"', does: "in ~/.bashrc" },
    { line: 'eval "$(berth completion zsh)"', does: "in ~/.zshrc" },
    { line: "berth completion fish > ~/.config/fish/completions/berth.fish", does: "once, for fish" },
  ],
  help: "Prints what bash, zsh or fish is to read. Ids and names come from the daemon that the line names, and from none when it does not answer within a second.",
  run: async ({ output }, [name = ""]) => {
    const shell = SHELLS.find((one) => one === name);
    if (shell === undefined) throw new UsageError(`no completion for "${name}": there are ${SHELLS.join(", ")}`);
    output.text(COMPLETION_SCRIPTS[shell]);
  },
});
