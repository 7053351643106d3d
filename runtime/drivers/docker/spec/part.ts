// What one topic of a spec becomes at Docker.
import type Dockerode from "dockerode";
import type { Stdio } from "../../../../api/core/task.js";
import type { DockerOptions } from "../options.js";
import type { OciSpec } from "./oci-spec.js";

/** Docker's own limits and isolation of a container; the later ones are not in the package's types. */
export type HostConfig = Dockerode.HostConfig & {
  readonly CgroupnsMode?: "host" | "private";
  /** Since version 1.43 of Docker's API; older engines leave them out. */
  readonly Annotations?: Record<string, string>;
};

/** What is asked for: the spec, with what Docker needs to know beside it. */
export interface Asked {
  readonly spec: OciSpec;
  readonly options: DockerOptions;
  readonly image: string;
  readonly namespace: string;
  readonly id: string;
  readonly stdio: Stdio;
}

export interface Part {
  readonly config?: Omit<Dockerode.ContainerCreateOptions, "HostConfig">;
  readonly host?: HostConfig;
  /** What was asked for and Docker cannot express, by its name in the spec. */
  readonly refused?: readonly string[];
}
