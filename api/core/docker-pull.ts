// News of an image on its way into a Docker engine, while a task waits for it: the payload of `/berth/docker/pull` events.
import { jsonPayload } from "./json-payload.js";

/** The ledger's topic for each piece of news; it reaches only subscribers that name it. */
export const DOCKER_PULL_TOPIC = "/berth/docker/pull";

/** Type url of its payload. */
export const DOCKER_PULL_TYPE = "berth.events.DockerPull";

/**
 * `loading`: it comes from the daemon's own store. `resolving`, `downloading` and `extracting`: the engine fetches it from its
 * registry. `done`: the engine has it. `failed`: it has not, and the task's creation says why.
 */
export type DockerPullStatus = "loading" | "resolving" | "downloading" | "extracting" | "done" | "failed";

/** How far an image is. */
export interface DockerPull {
  /** As the container's record names it. */
  readonly image: string;
  readonly status: DockerPullStatus;
  /** Of all its layers that bytes are known of. */
  readonly currentBytes: number;
  /** The same; 0 when nothing is known. It grows as the engine finds out. */
  readonly totalBytes: number;
}

export const dockerPullCodec = jsonPayload<DockerPull>(DOCKER_PULL_TYPE);
