// cros-dut, the service that speaks to a device.
import type { CrosDutTemplate } from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service_templates.js";
import type { IpEndpoint } from "../../../api/gen/chromiumos/test/lab/api/ip_endpoint.js";
import { serviceError } from "../errors.js";
import { resolveEndpoint } from "../placeholders.js";
import { artifactDir, servicePort, startRequest } from "./start-request.js";
import type { Expand } from "./template.js";

const PORT = 80;

export const expandCrosDut: Expand<CrosDutTemplate> = async (request, { dutAddress, cacheServer }, deps, signal) => {
  const address = async (field: string, endpoint: IpEndpoint | undefined): Promise<string> => {
    if (endpoint === undefined) throw serviceError("invalid_argument", `Missing ${field}`);
    return hostAndPort(await resolveEndpoint(endpoint, deps, signal));
  };
  const volumes = [`${artifactDir(request)}:/tmp/cros-dut`];
  const { port, expose } = servicePort(request, PORT);
  const dut = await address("dut_address", dutAddress);
  const cache = await address("cache_server", cacheServer);
  const command = ["cros-dut", "-dut_address", dut, "-cache_address", cache, "-port", port];
  return startRequest(request, { volumes, expose, command });
};

const hostAndPort = ({ address, port }: IpEndpoint): string =>
  address.includes(":") && !address.startsWith("[") ? `[${address}]:${port}` : `${address}:${port}`;
