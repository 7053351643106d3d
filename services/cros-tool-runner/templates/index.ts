// Templates: what a templated request says, told as an ordinary start.
import type { Template } from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service_templates.js";
import { serviceError } from "../errors.js";
import { expandCacheServer } from "./cache-server.js";
import { expandCrosDut } from "./cros-dut.js";
import { expandCrosProvision } from "./cros-provision.js";
import { expandCrosPublish } from "./cros-publish.js";
import { expandCrosTest } from "./cros-test.js";
import { expandCrosVmProvision } from "./cros-vm-provision.js";
import { expandGeneric } from "./generic.js";
import { expandFirmwareProvision, expandPostProcess } from "./services.js";
import type { TemplateExpander } from "./template.js";

/** See {@link TemplateExpander}. */
export const expandTemplate: TemplateExpander = async (request, deps, signal) => {
  const container = request.template?.container;
  switch (container?.$case) {
    case undefined:
      throw serviceError("invalid_argument", "No template set in the request");
    case "crosDut":
      return await expandCrosDut(request, container.value, deps, signal);
    case "crosProvision":
      return await expandCrosProvision(request, container.value, deps, signal);
    case "crosTest":
      return await expandCrosTest(request, container.value, deps);
    case "crosPublish":
      return await expandCrosPublish(request, container.value, deps);
    case "crosFwProvision":
      return await expandFirmwareProvision(request, container.value, deps);
    case "cacheServer":
      return await expandCacheServer(request, container.value, deps);
    case "generic":
      return await expandGeneric(request, container.value, deps);
    case "crosVmProvision":
      return await expandCrosVmProvision(request, container.value, deps, signal);
    case "postProcess":
      return await expandPostProcess(request, container.value, deps);
    case "crosTestFinder":
    case "androidProvision":
      throw serviceError("not_implemented", `${WIRE_NAMES[container.$case]} to be implemented`);
  }
};

const WIRE_NAMES = {
  crosTestFinder: "cros_test_finder",
  androidProvision: "android_provision",
} as const satisfies Partial<Record<NonNullable<Template["container"]>["$case"], string>>;
