// SetTimezone: sets the time zone of containers.
import { notImplemented } from "../../api/core/errors.js";
import type { SetTimezoneRequest, SetTimezoneResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function setTimezone(_tremplin: Tremplin, _request: SetTimezoneRequest): Promise<SetTimezoneResponse> {
  throw notImplemented("SetTimezone");
}
