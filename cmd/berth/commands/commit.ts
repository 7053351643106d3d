// berth commit: a container's changes become an image.
import { commitContainer } from "../../../api/client/files/commit.js";
import { parseConfigChange } from "../../../api/client/files/image-config.js";
import { defineCommand } from "../command.js";
import { collect } from "../flags.js";
import { interruptible } from "../interrupt.js";
import { showWaiting } from "../progress/waiting.js";

interface CommitFlags {
  pause: boolean;
  author?: string;
  message?: string;
  change?: string[];
}

export const command = defineCommand<CommitFlags>({
  arguments: "<container> <image>",
  completes: ["container", "image"],
  help: `Prints the digest of the image, which has one layer more than the container's own and can be run at once. An image that has the
name loses it. The container is paused meanwhile, unless it is not to be.`,
  examples: [
    { line: "berth commit web docker.io/library/web:1", does: "makes an image of a container" },
    {
      line: `berth commit -c 'CMD ["nginx", "-g", "daemon off;"]' -c 'ENV MODE=test' web docker.io/library/web:2`,
      does: "and says what its containers run",
    },
  ],
  options: (command) => {
    command
      .option("-p, --pause", "pause the container meanwhile (default)", true)
      .option("--no-pause", "let it run on")
      .option("--author <name>", "who made it")
      .option("-m, --message <text>", "why, for the image's history")
      .option(
        "-c, --change <instruction>",
        "change the config as a Dockerfile does: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR (repeatable)",
        collect,
      );
  },
  run: async ({ client, request, output }, [id = "", name = ""], flags) => {
    const { pause, author, message } = flags;
    const changes = (flags.change ?? []).map(parseConfigChange);
    await interruptible(request, async (ctx) => {
      const work = commitContainer(client, ctx, id, name, { pause, author, message, changes });
      const image = await showWaiting(`making an image of ${id}`, work);
      output.line(image.target.digest);
    });
  },
});
