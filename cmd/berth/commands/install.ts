// berth install: programs of an image, put where the daemon finds its shims.
// @source containerd cmd/ctr/commands/install/install.go
import { installImage } from "../../../api/client/distribution/install.js";
import { withLease } from "../../../api/client/remote-lease-store.js";
import { errorOf } from "../../../api/core/errors.js";
import { type CommandContext, defineCommand } from "../command.js";
import { interruptible } from "../interrupt.js";

interface InstallFlags {
  libs?: boolean;
  replace?: boolean;
  path?: string;
}

export const command = defineCommand<InstallFlags>({
  arguments: "<image>",
  completes: ["image"],
  help: `Puts what the image has in bin (and lib with --libs) into the daemon's opt folder, which comes first where it looks for shims, and
they for their programs. The image must be here. Nothing is installed when a file is there already, unless --replace says so.`,
  examples: [
    { line: "berth install docker.io/example/runsc:latest", does: "a shim and its programs, for berth run --runtime" },
    { line: "berth install --path /usr/local --replace example.com/tools:1", does: "the same, into another folder" },
  ],
  options: (command) => {
    command
      .option("-l, --libs", "install lib as well")
      .option("-r, --replace", "replace files that are there")
      .option("--path <dir>", "another folder than the daemon's");
  },
  run: async (context, [name = ""], { libs, replace, path }) => {
    const { client, request } = context;
    await interruptible(request, (interrupted) =>
      withLease(client.leases, interrupted, async (ctx) => {
        const image = await client.images.get(ctx, name);
        const folder = path === undefined || path === "" ? await optFolder(context) : path;
        await installImage(client, ctx, image, { path: folder, libs: libs === true, replace: replace === true });
      }),
    );
  },
});

/** @throws failed_precondition when the daemon has none. */
async function optFolder({ client, request }: CommandContext): Promise<string> {
  const [plugin] = await client.introspection.plugins(request, ["id==opt"]);
  if (plugin === undefined) throw errorOf("failed_precondition", "opt service not enabled");
  const folder = plugin.exports["path"];
  if (folder === undefined || folder === "") throw errorOf("failed_precondition", "opt path not exported");
  return folder;
}
