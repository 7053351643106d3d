// Any program that takes a folder for its artifacts.
import type { GenericTemplate } from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service_templates.js";
import { artifactDir, folder, startRequest } from "./start-request.js";
import type { Expand } from "./template.js";

export const expandGeneric: Expand<GenericTemplate> = (request, template, { env }) => {
  const { dockerArtifactDir, additionalVolumes, expose, binaryName, binaryArgs } = template;
  return startRequest(request, {
    volumes: [`${artifactDir(request)}:${folder("docker_artifact_dir", dockerArtifactDir)}`, ...additionalVolumes],
    expose,
    // A name alone stands for the server's own value, where it has one.
    env: template.env.filter((each) => each.includes("=") || (env[each] ?? "") !== ""),
    command: [binaryName, ...binaryArgs],
  });
};
