// What the engine is asked for when a container is made, in its own words: types of the package and what they lack, for those who
// may not know the package.
import type Dockerode from "dockerode";

/** Limits, isolation and network of a container. */
export type HostConfig = Dockerode.HostConfig & {
  readonly CgroupnsMode?: "host" | "private";
  /** Since version 1.43 of the engine's API; older ones leave them out. */
  readonly Annotations?: Record<string, string>;
};

/** The body of a create. */
export type ContainerBody = Dockerode.ContainerCreateOptions;

/** One member of `HostConfig.Mounts`. */
export type BodyMount = Dockerode.MountSettings;

/** Of a bind mount: `rprivate`, … */
export type MountPropagation = Dockerode.MountPropagation;
