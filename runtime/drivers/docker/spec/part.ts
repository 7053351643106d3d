// What one topic of a spec becomes at Docker.
import type { Stdio } from "../../../../api/core/task.js";
import type { ContainerBody, HostConfig } from "../../../docker/container-body.js";
import type { DockerOptions } from "../options.js";
import type { OciSpec } from "./oci-spec.js";

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
  readonly config?: Omit<ContainerBody, "HostConfig">;
  readonly host?: HostConfig;
  /** What was asked for and Docker cannot express, by its name in the spec. */
  readonly refused?: readonly string[];
}
