// berth images rm: names; the collector frees what only they held.
// @source containerd cmd/ctr/commands/images/images.go (remove)
import { isNotFound } from "../../../../api/core/errors.js";
import { defineCommand } from "../../command.js";
import { forEach } from "../../for-each.js";
import { showWaiting } from "../../progress/waiting.js";

export const command = defineCommand<{ sync?: boolean }>({
  arguments: "[refs...]",
  completes: ["image"],
  examples: [
    {
      line: "berth images rm docker.io/library/busybox:latest",
      does: "forgets the name; what nothing else holds is collected later",
    },
    { line: "berth images rm --sync example.com/app:1 example.com/app:2", does: "waits until it is collected" },
  ],
  help: "A name that is not there is told of and no failure.",
  options: (command) => {
    command.option("--sync", "return when what became free has been collected");
  },
  run: async (context, names, flags) => {
    const { client, request, output } = context;
    const last = names.length - 1;
    await forEach(
      context,
      names.map((_, at) => String(at)),
      async (at) => {
        const name = names[Number(at)] ?? "";
        try {
          // One collection frees it all.
          const sync = flags.sync === true && Number(at) === last;
          await showWaiting(`removing ${name}`, client.images.delete(request, name, { sync }));
          output.line(name);
        } catch (error) {
          if (!isNotFound(error)) throw error;
          output.warn(`${name}: image not found`);
        }
      },
    );
  },
});
