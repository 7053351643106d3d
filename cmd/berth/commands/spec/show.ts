// berth spec show: the spec of a container, every digit as it is stored.
import { defineCommand } from "../../command.js";
import { indentJson } from "../../render/indent-json.js";

export const command = defineCommand<{ raw?: boolean }>({
  arguments: "<container>",
  completes: ["container"],
  help: "A spec that is no JSON is printed as it is.",
  examples: [
    { line: "berth spec show web > config.json", does: "the spec, to be changed and given to spec edit --file" },
  ],
  options: (command) => {
    command.option("--raw", "the bytes as they are stored");
  },
  run: async ({ client, request, output }, [id = ""], flags) => {
    const text = (await client.containers.get(request, id)).spec.value.toString();
    output.text(flags.raw === true ? text : laidOut(text));
  },
});

function laidOut(text: string): string {
  try {
    return indentJson(text);
  } catch {
    return text;
  }
}
