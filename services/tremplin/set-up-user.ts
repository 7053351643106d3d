// SetUpUser: makes the user of a container and its groups.
import { notImplemented } from "../../api/core/errors.js";
import type { SetUpUserRequest, SetUpUserResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function setUpUser(_tremplin: Tremplin, _request: SetUpUserRequest): Promise<SetUpUserResponse> {
  throw notImplemented("SetUpUser");
}
