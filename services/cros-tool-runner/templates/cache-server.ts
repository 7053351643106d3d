// cacheserver, which keeps images near the devices.
import { isAbsolute, parse } from "node:path";
import type { CacheServerTemplate } from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service_templates.js";
import { serviceError } from "../errors.js";
import { artifactDir, servicePort, startRequest } from "./start-request.js";
import type { Expand } from "./template.js";

const PORT = 43150;
const FOLDER = "/tmp/cacheserver";
const KEY_FOLDER = "/usr/mount/creds";

export const expandCacheServer: Expand<CacheServerTemplate> = (request, { applicationDefaultCredentials }) => {
  const { port, expose } = servicePort(request, PORT);
  const volumes = [`${artifactDir(request)}:${FOLDER}`];
  const command = ["cacheserver", "-location", FOLDER, "-port", port];
  const keyFile = applicationDefaultCredentials?.value ?? "";
  if (keyFile === "") return startRequest(request, { volumes, expose, command });
  const { dir, base } = parse(keyFile);
  if (!isAbsolute(dir) || base === "" || keyFile.endsWith("/")) {
    throw serviceError("invalid_argument", `service_account_keyfile is not the full path of a file: ${keyFile}`);
  }
  const script = `export GOOGLE_APPLICATION_CREDENTIALS=${shellWord(`${KEY_FOLDER}/${base}`)} && ${command.join(" ")}`;
  return startRequest(request, {
    volumes: [...volumes, `${dir}:${KEY_FOLDER}`],
    expose,
    command: ["bash", "-c", script],
  });
};

/** A file's name may be anything; a shell is to take it for one word. */
const shellWord = (text: string): string =>
  /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
