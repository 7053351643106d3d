// LoginRegistry: `docker login`, with what Google's registries need before it.
import type {
  LoginRegistryRequest,
  LoginRegistryResponse,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { serviceError } from "./errors.js";
import type { Runner } from "./runner.js";

export async function loginRegistry(
  { logins }: Pick<Runner, "logins">,
  request: LoginRegistryRequest,
  signal?: AbortSignal,
): Promise<LoginRegistryResponse> {
  for (const field of ["username", "password", "registry"] as const) {
    if (request[field] === "") throw serviceError("invalid_argument", `Missing ${field}`);
  }
  return await logins.login(request, signal);
}
