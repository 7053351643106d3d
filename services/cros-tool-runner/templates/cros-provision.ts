// cros-provision, the service that installs an image on a device; it reads what to do from a file.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CrosProvisionRequest } from "../../../api/gen/chromiumos/test/api/cros_provision_cli.js";
import type { CrosProvisionTemplate } from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service_templates.js";
import { serviceError } from "../errors.js";
import { resolveEndpoint } from "../placeholders.js";
import { artifactDir, servicePort, startRequest } from "./start-request.js";
import type { Expand } from "./template.js";

const PORT = 80;
const FOLDER = "/tmp/provisionservice";
const INPUT_FILE = "in.json";

export const expandCrosProvision: Expand<CrosProvisionTemplate> = async (request, { inputRequest }, deps, signal) => {
  const artifacts = artifactDir(request);
  if (inputRequest === undefined) throw serviceError("invalid_argument", "Missing input_request");
  const { dutServer } = inputRequest;
  const resolved = dutServer && (await resolveEndpoint(dutServer, deps, signal));
  await writeInput(artifacts, { ...inputRequest, ...(resolved === undefined ? {} : { dutServer: resolved }) });
  const { port, expose } = servicePort(request, PORT);
  const command = ["cros-provision", "server", "-metadata", `${FOLDER}/${INPUT_FILE}`, "-port", port];
  return startRequest(request, { volumes: [`${artifacts}:${FOLDER}`], expose, command });
};

async function writeInput(artifacts: string, input: CrosProvisionRequest): Promise<void> {
  const path = join(artifacts, INPUT_FILE);
  try {
    await mkdir(artifacts, { recursive: true });
    await writeFile(path, JSON.stringify(CrosProvisionRequest.toJSON(input)));
  } catch (error) {
    throw serviceError("unknown", `cannot write ${path}: ${error instanceof Error ? error.message : error}`, error);
  }
}
