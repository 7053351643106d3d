// berth spec edit: the spec of a container, changed in an editor or taken from a file.
import type { Container } from "../../../../api/core/container.js";
import { ContainerdError, isNotFound, wrapError } from "../../../../api/core/errors.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { isAlive } from "../../daily/task-pids.js";
import { edit } from "../../editor.js";
import { UsageError } from "../../exit-status.js";
import { compactJson, indentJson } from "../../render/indent-json.js";
import { findingsOf, findingText, isError } from "../../spec-findings.js";
import { readSpecFile } from "../../spec-source.js";

interface EditFlags {
  file?: string;
  /** Commander's: false with `--no-validate`. */
  validate: boolean;
}

export const command = defineCommand<EditFlags>({
  arguments: "<container>",
  completes: ["container"],
  help: `The editor is $VISUAL, else $EDITOR, else vi. What it leaves is validated as by "berth spec validate" and stored as a whole: nothing
else of the record is touched. It is refused when the record was changed by somebody else meanwhile; what was written is kept in a
file then, which --file takes. A task that runs keeps the spec that it was made with until "berth restart".`,
  examples: [
    { line: "berth spec edit web", does: "change it in the editor" },
    { line: "berth spec edit web --file config.json", does: "take it from a file" },
  ],
  options: (command) => {
    command
      .option("--file <file>", "take the spec from this file, or from standard input (-), without an editor")
      .option("--no-validate", "store what is faulty, too, as long as it is JSON");
  },
  run: async (context, [id = ""], flags) => {
    const before = await context.client.containers.get(context.request, id);
    if (flags.file !== undefined) {
      await store(context, before, await readSpecFile(flags.file), flags.validate);
      return;
    }
    const shown = laidOut(before);
    const edited = await edit(`${id}.json`, shown);
    if (edited.text === shown) {
      await edited.discard();
      context.output.warn("nothing was changed");
      return;
    }
    try {
      await store(context, before, edited.text, flags.validate);
    } catch (error) {
      const { kind, message } = wrapError(`spec of container ${id}`, error);
      throw new ContainerdError(kind, `${message} (what was written is kept in ${edited.path})`, { cause: error });
    }
    await edited.discard();
  },
});

function laidOut({ id, spec }: Container): string {
  try {
    return indentJson(spec.value.toString());
  } catch (error) {
    throw wrapError(`spec of container ${id}`, new UsageError(`it is no JSON: ${String(error)}`));
  }
}

async function store(context: CommandContext, before: Container, text: string, validate: boolean): Promise<void> {
  const { client, request, output } = context;
  const { id } = before;
  const findings = findingsOf(text, before);
  const faults = findings.filter((finding) => isError(finding) && (validate || !isJson(text)));
  if (faults.length > 0) throw new UsageError(faults.map(findingText).join("; "));
  for (const finding of findings) if (!isError(finding)) output.warn(findingText(finding));
  const now = await client.containers.get(request, id);
  if (now.updatedAtNs !== before.updatedAtNs || !now.spec.value.equals(before.spec.value)) {
    throw new ContainerdError("aborted", "it was changed by somebody else meanwhile: aborted");
  }
  const value = Buffer.from(compactJson(text));
  await client.containers.update(request, { id, spec: { typeUrl: before.spec.typeUrl, value } }, ["spec"]);
  if (await runs(context, id)) output.warn(`the task of ${id} keeps its spec until "berth restart ${id}"`);
}

async function runs({ client, request }: CommandContext, id: string): Promise<boolean> {
  try {
    return isAlive(await client.tasks.get(request, id, ""));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
