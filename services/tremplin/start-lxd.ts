// StartLxd: starts LXD; the listener is told how it ended.
import { notImplemented } from "../../api/core/errors.js";
import type { StartLxdRequest, StartLxdResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function startLxd(_tremplin: Tremplin, _request: StartLxdRequest): Promise<StartLxdResponse> {
  throw notImplemented("StartLxd");
}
