// Specs as the bodies of Docker's create, for tests of the translation.
import type { Stdio } from "../../api/core/task.js";
import { anyOfJson } from "../../api/core/typeurl.js";
import { DOCKER_OPTIONS_TYPE, parseDockerOptions } from "../../runtime/drivers/docker/options.js";
import { translate } from "../../runtime/drivers/docker/spec/translate.js";
import type { JsonObject } from "./client-specs.js";

const STDIO: Stdio = { stdin: "", stdout: "", stderr: "", terminal: false };

/** For task `c1` in namespace `default`. `spec` may be text that is no spec. @throws as `translate` and `parseDockerOptions`. */
export function dockerBody(
  spec: JsonObject | string,
  options: JsonObject = {},
  stdio: Partial<Stdio> = {},
  image = "example.com/app:1",
): ReturnType<typeof translate> {
  return translate({
    spec: Buffer.from(typeof spec === "string" ? spec : JSON.stringify(spec)),
    options: parseDockerOptions(anyOfJson(DOCKER_OPTIONS_TYPE, options)),
    image,
    namespace: "default",
    id: "c1",
    stdio: { ...STDIO, ...stdio },
  });
}
