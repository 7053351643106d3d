// berth namespaces rm: namespaces that hold nothing any more. One that is not there counts as removed.
// @source containerd cmd/ctr/commands/namespaces/namespaces.go
import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { isNotFound } from "../../../../api/core/errors.js";
import { validateIdentifier } from "../../../../api/core/identifiers.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { forEach } from "../../for-each.js";

const CGROUP_ROOT = "/sys/fs/cgroup";

export const command = defineCommand<{ cgroup?: boolean }>({
  arguments: "<names...>",
  completes: ["namespace"],
  examples: [{ line: "berth namespaces rm build", does: "removes a namespace that holds nothing any more" }],
  options: (command) => {
    command.option("-c, --cgroup", "remove the namespace's cgroup, too");
  },
  run: async (context, names, flags) =>
    await forEach(context, names, async (name) => {
      await remove(context, name);
      if (flags.cgroup === true) await removeCgroup(name);
      context.output.line(name);
    }),
});

async function remove({ client, request }: CommandContext, name: string): Promise<void> {
  await client.namespaces.delete(request, name).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

/** Empty cgroup folders of that name, in the one hierarchy or in each of the old ones. */
async function removeCgroup(name: string): Promise<void> {
  validateIdentifier(name);
  const entries = await readdir(CGROUP_ROOT, { withFileTypes: true });
  const hierarchies = entries.filter((entry) => entry.isDirectory()).map((entry) => join(CGROUP_ROOT, entry.name));
  for (const hierarchy of [CGROUP_ROOT, ...hierarchies]) {
    await rmdir(join(hierarchy, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT" && error.code !== "EPERM") throw error;
    });
  }
}
