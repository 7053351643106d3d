// vm-provision, which makes virtual devices in the cloud and needs an access token for that.
import { mkdir } from "node:fs/promises";
import type { CrosVMProvisionTemplate } from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service_templates.js";
import { artifactDir, servicePort, startRequest } from "./start-request.js";
import type { Expand } from "./template.js";

const PORT = 80;
const FOLDER = "/tmp/vm-provision";

export const expandCrosVmProvision: Expand<CrosVMProvisionTemplate> = async (request, _template, deps, signal) => {
  const artifacts = artifactDir(request);
  const { port, expose } = servicePort(request, PORT);
  await mkdir(artifacts, { recursive: true });
  await deps.keepToken(artifacts, request.name, signal);
  const command = ["vm-provision", "-port", port, "-log", FOLDER];
  return startRequest(request, { volumes: [`${artifacts}:${FOLDER}`], expose, command });
};
