// cros-test, the service that runs tests.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { CrosTestTemplate } from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service_templates.js";
import { serviceError } from "../errors.js";
import { artifactDir, servicePort, startRequest } from "./start-request.js";
import type { Expand } from "./template.js";

const PORT = 8001;
const FOLDER = "/tmp/test";
/** In the folder of artifacts, by where the container finds them. */
const FOLDERS = { [`${FOLDER}/cros-test`]: "cros-test/cros-test", [`${FOLDER}/results`]: "cros-test/results" };
const FOLDER_MODE = 0o755;

export const expandCrosTest: Expand<CrosTestTemplate> = async (request) => {
  const artifacts = artifactDir(request);
  const volumes: string[] = [];
  for (const [inside, outside] of Object.entries(FOLDERS)) {
    const path = join(artifacts, outside);
    await mkdir(path, { recursive: true, mode: FOLDER_MODE }).catch((error: unknown) => {
      throw serviceError("unknown", `cannot make ${path}: ${error instanceof Error ? error.message : error}`, error);
    });
    volumes.push(`${path}:${inside}`);
  }
  const { port, expose } = servicePort(request, PORT);
  // The folders come from the host, where the image's user is nobody.
  const own = `sudo --non-interactive chown -R chromeos-test:chromeos-test ${FOLDER}`;
  return startRequest(request, {
    volumes,
    expose,
    command: ["bash", "-c", `${own} && cros-test server -port ${port}`],
  });
};
