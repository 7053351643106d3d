// berth inspect: all that is known of something, found by its name alone.
import { notFound } from "../../../api/core/errors.js";
import { type CommandContext, defineCommand } from "../command.js";
import { inspectContainer } from "../inspect/container.js";
import { inspectContent } from "../inspect/content.js";
import { inspectImage } from "../inspect/image.js";
import type { InspectOptions, Inspector } from "../inspect/inspector.js";
import { inspectSnapshot } from "../inspect/snapshot.js";
import type { Output } from "../output.js";
import { renderJson } from "../render/json.js";

const KINDS = ["container", "image", "snapshot", "content"] as const;
type Kind = (typeof KINDS)[number];

const INSPECTORS: Readonly<Record<Kind, Inspector>> = {
  container: inspectContainer,
  image: inspectImage,
  snapshot: inspectSnapshot,
  content: inspectContent,
};

interface InspectFlags extends InspectOptions {
  fields?: readonly string[];
  type?: Kind;
}

export const command = defineCommand<InspectFlags>({
  arguments: "<names...>",
  lists: true,
  completes: ["container"],
  help: `A container, else an image (also by its short name), else a snapshot, else content (by its digest) of that name. One name gives an
object, several give an array; with --format jsonl each is a line. What a container says of an image or a snapshot that is not there is
null.`,
  examples: [
    { line: "berth inspect web", does: "record, task, processes, snapshot, image, exits and spec of a container" },
    { line: "berth inspect --fields id,status,task.pid web db", does: "some of it, as a table" },
    { line: "berth inspect --type image busybox", does: "the image, whatever else is called so" },
  ],
  options: (command) => {
    command
      .addOption(command.createOption("--type <kind>", "only a thing of this kind").choices([...KINDS]))
      .option("--snapshotter <name>", "only a snapshot of this snapshotter");
  },
  run: async (context, names, flags) => {
    const documents: object[] = [];
    for (const name of names) documents.push(await inspect(context, name, flags));
    const { output } = context;
    const [first] = documents;
    if (output.quiet || documents.length !== 1 || first === undefined) many(output, documents, flags);
    else output.document(first);
  },
});

/** A table has columns only where fields were picked. */
function many(output: Output, documents: readonly object[], { fields }: InspectFlags): void {
  if (output.isTable && fields === undefined && !output.quiet) output.line(renderJson(documents, 4));
  else output.list(documents, { columns: [], id: nameOf, json: (document) => document });
}

/** Behind its kind each document has its name. */
const nameOf = (document: object): string => String(Object.values(document)[1]);

async function inspect(context: CommandContext, name: string, flags: InspectFlags): Promise<object> {
  for (const kind of flags.type === undefined ? KINDS : [flags.type]) {
    const found = await INSPECTORS[kind](context, name, flags);
    if (found !== undefined) return found;
  }
  throw notFound(`${flags.type ?? "container, image, snapshot or content"} "${name}"`);
}
