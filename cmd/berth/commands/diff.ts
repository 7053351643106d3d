// berth diff: what a container has changed of the files that it began with.
import type { FileChange } from "../../../api/client/files/changes.js";
import { createContainerFiles } from "../../../api/client/files/files.js";
import { defineCommand } from "../command.js";
import { interruptible } from "../interrupt.js";
import type { Column } from "../output.js";
import { showWaiting } from "../progress/waiting.js";

const LETTERS = { added: "A", changed: "C", deleted: "D" } as const;

const COLUMNS: readonly Column<FileChange>[] = [
  { title: "KIND", text: ({ kind }) => LETTERS[kind] },
  { title: "PATH", text: ({ path }) => path },
];

export const command = defineCommand({
  arguments: "<container>",
  completes: ["container"],
  lists: true,
  help: "A: added, C: changed, D: deleted, one a line. It takes a container that was made from an image, running or not.",
  examples: [
    { line: "berth diff web", does: "lists what has changed since the image" },
    { line: "berth diff web --format jsonl", does: "the same for a program" },
  ],
  run: async ({ client, request, output }, [id = ""]) => {
    const files = createContainerFiles(client);
    const changes: FileChange[] = [];
    await interruptible(request, async (ctx) => {
      const gather = async (): Promise<void> => {
        for await (const change of files.changes(ctx, id)) changes.push(change);
      };
      await showWaiting(`comparing ${id} with its image`, gather());
    });
    if (output.isForPeople) {
      for (const { kind, path } of changes) output.line(`${LETTERS[kind]} ${path}`);
      return;
    }
    output.list(changes, { columns: COLUMNS, id: ({ path }) => path, json: ({ kind, path }) => ({ kind, path }) });
  },
});
