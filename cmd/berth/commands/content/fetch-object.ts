// berth content fetch-object: an object of a registry on stdout; the daemon has no part in it.
// @source containerd cmd/ctr/commands/content/fetch.go (fetchObjectCommand)
import { parseReference } from "../../../../api/core/reference.js";
import { defineCommand } from "../../command.js";
import { interruptible } from "../../interrupt.js";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../../registry-flags.js";

export const command = defineCommand<RegistryFlags>({
  arguments: "[remote]",
  completes: ["none"],
  examples: [
    {
      line: "berth content fetch-object docker.io/library/busybox:latest",
      does: "prints the manifest or index that the tag names",
    },
  ],
  help: "For example docker.io/library/busybox:latest, or docker.io/library/busybox@sha256:… for any of its blobs.",
  options: addRegistryOptions,
  run: async ({ request, output }, [remote = ""], flags) => {
    const reference = parseReference(remote);
    await interruptible(request, async ({ signal }) => {
      await using registry = await openRegistry(flags);
      const target = await registry.resolve(reference, signal);
      await output.bytes(registry.fetcher(reference).fetch(target, 0, signal));
    });
  },
});
