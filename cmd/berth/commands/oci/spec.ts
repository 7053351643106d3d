// berth oci spec: the spec of a container for which nothing was asked.
// @source containerd cmd/ctr/commands/oci/oci.go
import { defaultSpec } from "../../../../api/client/spec/default-spec.js";
import { defineCommand } from "../../command.js";

export const command = defineCommand({
  formats: true,
  examples: [{ line: "berth oci spec > config.json", does: "a spec to begin with, for run --config" }],
  run: async ({ namespace, output }) => {
    const { process, linux, ...rest } = defaultSpec(namespace, "");
    const { args: _none, ...described } = process;
    output.document({ ...rest, process: described, linux: { ...linux, cgroupsPath: `/${namespace}` } });
  },
});
