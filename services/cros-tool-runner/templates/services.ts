// The kinds that differ in names and ports only.
import type {
  CrosFirmwareProvisionTemplate,
  PostProcessTemplate,
} from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service_templates.js";
import { artifactDir, servicePort, startRequest } from "./start-request.js";
import type { Expand } from "./template.js";
import { testResults } from "./test-results.js";

const FIRMWARE_PORT = 8080;
const FIRMWARE_FOLDER = "/tmp/cros-fw-provision";
const POST_PROCESS_FOLDER = "/tmp/post-process/";

/** cros-fw-provision, which installs firmware. */
export const expandFirmwareProvision: Expand<CrosFirmwareProvisionTemplate> = (request) => {
  const { port, expose } = servicePort(request, FIRMWARE_PORT);
  const command = ["cros-fw-provision", "server", "-port", port, "-log-path", FIRMWARE_FOLDER];
  return startRequest(request, { volumes: [`${artifactDir(request)}:${FIRMWARE_FOLDER}`], expose, command });
};

/** post-process, which looks at results; it always takes a free port. */
export const expandPostProcess: Expand<PostProcessTemplate> = async (request, { postProcessSrcDir }) =>
  startRequest(request, {
    volumes: [`${artifactDir(request)}:${POST_PROCESS_FOLDER}`, ...(await testResults(postProcessSrcDir))],
    command: ["post-process", "server", "-port", "0"],
  });
