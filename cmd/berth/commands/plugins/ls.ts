// berth plugins ls: what the daemon consists of, and what of it did not start.
// @source containerd cmd/ctr/commands/plugins/plugins.go
import type { Plugin } from "../../../../api/client/remote-introspection.js";
import type { ErrorKind } from "../../../../api/core/errors.js";
import { defineCommand } from "../../command.js";
import type { ColourName } from "../../render/colour.js";

interface LsFlags {
  quiet?: boolean;
  detailed?: boolean;
}

export const command = defineCommand<LsFlags>({
  arguments: "[filters...]",
  lists: true,
  completes: ["none"],
  examples: [
    { line: "berth plugins ls", does: "what the daemon consists of, and what of it did not start" },
    { line: "berth plugins ls -d type==io.containerd.snapshotter.v1", does: "everything about its snapshotters" },
  ],
  options: (command) => {
    command.option("-q, --quiet", "only the ids").option("-d, --detailed", "everything about each");
  },
  run: async ({ client, request, output }, filters, flags) => {
    const plugins = await client.introspection.plugins(request, filters);
    const { isForPeople } = output;
    if (flags.detailed === true && flags.quiet !== true && isForPeople) {
      for (const plugin of plugins) output.line(describe(plugin));
      return;
    }
    output.list(
      plugins,
      {
        style: { lastColumn: "padded" },
        id: ({ id }) => id,
        columns: [
          { title: "TYPE", text: ({ type }) => type },
          { title: "ID", text: ({ id }) => id },
          { title: "PLATFORMS", text: ({ platforms }) => platforms.join(",") || "-" },
          { title: "STATUS", text: stateOf, colour: stateColour },
        ],
        json: (plugin) => ({ ...plugin, status: stateOf(plugin) }),
      },
      flags,
    );
  },
});

function stateOf({ initError }: Plugin): "ok" | "skip" | "error" {
  if (initError === undefined) return "ok";
  return initError.message.includes("skip plugin") ? "skip" : "error";
}

function stateColour(plugin: Plugin): ColourName {
  switch (stateOf(plugin)) {
    case "ok":
      return "green";
    case "skip":
      return "dim";
    case "error":
      return "red";
  }
}

function describe(plugin: Plugin): string {
  const { initError } = plugin;
  const field = (name: string, value: string): string => `${`${name}:`.padEnd(15)}${value}`;
  const list = (name: string, values: readonly string[]): string[] =>
    values.length === 0 ? [] : [`${name}:`, ...values.map((value) => " ".repeat(15) + value)];
  const block = (name: string, entries: readonly (readonly [string, string])[]): string[] => {
    const width = Math.max(0, ...entries.map(([key]) => key.replace(":", "").length)) + 6;
    return entries.length === 0
      ? []
      : [`${name}:`, ...entries.map(([key, value]) => " ".repeat(15) + key.padEnd(width) + value)];
  };
  return [
    field("Type", plugin.type),
    field("ID", plugin.id),
    ...list("Requires", plugin.requires),
    ...(plugin.platforms.length === 0 ? [] : [field("Platforms", plugin.platforms.join(","))]),
    ...block("Exports", Object.entries(plugin.exports)),
    ...list("Capabilities", plugin.capabilities),
    ...(initError === undefined
      ? []
      : block("Error", [
          ["Code:", codeName(initError.kind)],
          ["Message:", initError.message],
        ])),
    "",
  ].join("\n");
}

/** The kind as gRPC's Go library spells its code: `InvalidArgument`. */
function codeName(kind: ErrorKind): string {
  if (kind === "not_implemented") return "Unimplemented";
  if (kind === "cancelled") return "Canceled";
  return kind.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
