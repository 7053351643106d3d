// berth cp: files into and out of containers, by the rules of docker cp.
import { type CopyFilesOptions, createContainerFiles } from "../../../api/client/files/files.js";
import { defineCommand } from "../command.js";
import { UsageError } from "../exit-status.js";
import { interruptible } from "../interrupt.js";
import { showWaiting } from "../progress/waiting.js";

interface CpFlags {
  archive?: boolean;
  followLink?: boolean;
}

/** One end as it was written: in a container, or here. */
type End = { readonly id: string; readonly path: string } | { readonly id: undefined; readonly path: string };

export const command = defineCommand<CpFlags>({
  arguments: "<source> <destination>",
  completes: ["file", "file"],
  help: `One of the two is CONTAINER:PATH, the other a path here; a path here that has a colon is written ./like:this. PATH begins at the
container's root. "-" as a source reads a tar archive and unpacks it into a folder; as a destination it writes one.

A folder goes into a destination that is a folder, and becomes a destination that is not there. "FOLDER/." means what is in it. A copy
belongs to you, in a container to its root; -a keeps the owners, and what gives them powers: set-id bits, capabilities, access
lists, device nodes. What fails takes back what it has made.`,
  examples: [
    { line: "berth cp web:/etc/nginx/nginx.conf .", does: "copies a file out of a container" },
    { line: "berth cp ./site/. web:/usr/share/nginx/html", does: "copies what is in a folder into one of a container" },
    { line: "berth cp web:/var/log - | tar t", does: "lists a folder of a container" },
  ],
  options: (command) => {
    command
      .option("-a, --archive", "keep owners and all that goes with them")
      .option("-L, --follow-link", "copy what a link leads to, if the source is one");
  },
  run: async ({ client, request, output }, [source = "", destination = ""], flags) => {
    const [from, to] = [parseEnd(source), parseEnd(destination)];
    const files = createContainerFiles(client);
    const options: CopyFilesOptions = {
      keepOwners: flags.archive === true,
      followLink: flags.followLink === true,
      onLeftOut: (path, why) => output.warn(`left out ${path}: ${why}`),
    };
    if (from.id !== undefined && to.id !== undefined) {
      throw new UsageError(
        `copies from one container to another go over an archive: berth cp ${source} - | berth cp - ${destination}`,
      );
    }
    await interruptible(request, async (ctx) => {
      if (from.id !== undefined && to.path === "-") {
        if (process.stdout.isTTY)
          throw new UsageError("an archive would fill the terminal: send it to a file or a program");
        await output.bytes(files.archive(ctx, from.id, from.path, options));
      } else if (to.id !== undefined && from.path === "-") {
        await files.unpack(ctx, to.id, to.path, process.stdin, options);
      } else if (from.id !== undefined) {
        await showWaiting(`copying ${source}`, files.copyOut(ctx, from.id, from.path, to.path, options));
      } else if (to.id !== undefined) {
        await showWaiting(`copying ${source}`, files.copyIn(ctx, from.path, to.id, to.path, options));
      } else throw new UsageError("one of the two must be CONTAINER:PATH");
    });
  },
});

/** The first colon ends a container's id, unless a slash or dot comes first, with which only paths begin. */
function parseEnd(text: string): End {
  if (text === "") throw new UsageError("a path is missing");
  const colon = text.indexOf(":");
  if (colon <= 0 || text.startsWith("/") || text.startsWith(".") || text.slice(0, colon).includes("/")) {
    return { id: undefined, path: text };
  }
  const path = text.slice(colon + 1);
  if (path === "") throw new UsageError(`${text}: a path is missing behind the colon`);
  return { id: text.slice(0, colon), path };
}
