// What `call` and `ls` of this program speak to.
import type { CalledService } from "../shared/call.js";

/** It keeps the containers. */
export const TREMPLIN_SERVICE: CalledService = { name: "vm_tools.tremplin.Tremplin" };
