// A request to start a container, checked, and as the container's record says it: an OCI spec and options of the Docker runtime.
import type { NewContainer } from "../../api/core/container.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import type { StartContainerRequest } from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { serviceError } from "./errors.js";

const RUNTIME = "io.berth.docker.v1";
const OPTIONS_TYPE = "io.berth.docker.v1.Options";

/** Of the modes of a volume those that concern other systems, or nothing at all for a folder. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(["z", "Z", "consistent", "cached", "delegated", "nocopy"]);

interface OciMount {
  readonly destination: string;
  readonly type: "bind";
  readonly source: string;
  readonly options: readonly string[];
}

/** @throws invalid_argument for what is missing, not_implemented for more than one port to expose. */
export function checkStart({ name, containerImage, startCommand, additionalOptions }: StartContainerRequest): void {
  checkNames({ name, containerImage });
  if (startCommand.length === 0) throw serviceError("invalid_argument", "Missing start_command");
  const expose = additionalOptions?.expose ?? [];
  if (expose.length > 1) throw serviceError("not_implemented", "Exposing multiple ports are not supported");
  if (expose.some((port) => port.includes("-"))) {
    throw serviceError("not_implemented", "Exposing a range of ports are not supported");
  }
}

/** What a templated request needs as well. @throws invalid_argument. */
export function checkNames({ name, containerImage }: Pick<StartContainerRequest, "name" | "containerImage">): void {
  if (name === "") throw serviceError("invalid_argument", "Missing name");
  if (containerImage === "") throw serviceError("invalid_argument", "Missing container_image");
}

/** What `docker run -d -P --name … --network … --expose … --volume … --env … IMAGE COMMAND` would start. `env`: of this process. */
export function recordOf(
  { name, containerImage, startCommand, additionalOptions }: StartContainerRequest,
  identity: Pick<NewContainer, "labels"> & { readonly id: string },
  env: NodeJS.ProcessEnv,
): NewContainer {
  const expose = given(additionalOptions?.expose).map((port) => (port.includes("/") ? port : `${port}/tcp`));
  const network = additionalOptions?.network ?? "";
  const spec = {
    ociVersion: "1.0.2",
    process: {
      args: startCommand,
      env: given(additionalOptions?.env).flatMap((variable) => valueIn(variable, env)),
      // The image's.
      cwd: "",
    },
    mounts: mountsOf(additionalOptions?.volume),
  };
  const options = {
    name,
    imageDefaults: true,
    publishAll: true,
    // It has been pulled, with the credentials of this server.
    pull: "never",
    ...(expose.length > 0 && { expose }),
    ...(network !== "" && { network }),
  };
  return {
    ...identity,
    image: containerImage,
    runtime: { name: RUNTIME, options: anyOfJson(OPTIONS_TYPE, options) },
    spec: anyOfJson(SPEC_TYPE, spec),
  };
}

const given = (list: readonly string[] = []): string[] => list.filter((item) => item !== "");

/** Where the folders of the host are that a request mounts. @throws invalid_argument. */
export const volumeFolders = ({ additionalOptions }: StartContainerRequest): string[] =>
  mountsOf(additionalOptions?.volume).map(({ source }) => source);

const mountsOf = (volumes: readonly string[] | undefined): OciMount[] => given(volumes).map(mountOf);

/** A name alone stands for the server's own value; without one it is left out. */
function valueIn(variable: string, env: NodeJS.ProcessEnv): string[] {
  if (variable.includes("=")) return [variable];
  const value = env[variable];
  return value === undefined ? [] : [`${variable}=${value}`];
}

function mountOf(volume: string): OciMount {
  const [source = "", destination = "", mode = "", ...more] = volume.split(":");
  // A name in the place of the folder would be one of the engine's volumes, of which the daemon knows nothing.
  if (!source.startsWith("/") || !destination.startsWith("/") || more.length > 0) {
    throw serviceError("invalid_argument", `Volume ${volume} is not of the form /HOST:/CONTAINER[:MODE]`);
  }
  const modes = mode.split(",").filter((word) => word !== "" && !WITHOUT_EFFECT.has(word));
  const access = modes.includes("ro") ? "ro" : "rw";
  const others = modes.filter((word) => word !== "ro" && word !== "rw");
  return { destination, type: "bind", source, options: ["rbind", access, ...others] };
}
