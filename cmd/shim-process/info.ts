// The answer to `-info`: what the runtime is called and which version of it this is.
import { RuntimeInfo } from "../../api/gen/types/introspection.js";

const RUNTIME_NAME = "io.berth.process.v1";

export function runtimeInfo(version: string): Uint8Array {
  return RuntimeInfo.encode(
    RuntimeInfo.fromPartial({ name: RUNTIME_NAME, version: { version, revision: "" } }),
  ).finish();
}
