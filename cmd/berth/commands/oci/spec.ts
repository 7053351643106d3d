// berth oci spec: the spec of a container for which nothing was asked.
// @source containerd cmd/ctr/commands/oci/oci.go
import { defaultSpec } from "../../../../api/client/spec/default-spec.js";
import { defineCommand } from "../../command.js";

export const command = defineCommand({
  lists: "document",
  examples: [{ line: "berth oci spec > config.json", does: "a spec to begin with, for run --config" }],
  run: async ({ namespace, output }) => {
    const { ociVersion, process, root, mounts, linux } = defaultSpec(namespace, "");
    const { args: _none, ...described } = process;
    // The devices that every container has are added when there is one.
    const resources = { devices: linux.resources.devices.slice(0, 1) };
    const own = { ...linux, resources, cgroupsPath: `/${namespace}` };
    output.document({ ociVersion, process: described, root, mounts, linux: own });
  },
});
