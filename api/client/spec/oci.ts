// The part of the OCI runtime specification that our default container uses. What is not here passes through untouched: records
// keep specs as bytes.
// @source opencontainers/runtime-spec specs-go/config.go (v1.0.2)

export interface Spec {
  ociVersion: string;
  process: Process;
  root: { path: string; readonly?: boolean };
  hostname?: string;
  mounts: SpecMount[];
  annotations?: Record<string, string>;
  linux: Linux;
}

export interface Process {
  terminal?: boolean;
  user: User;
  args: string[];
  env?: string[];
  cwd: string;
  capabilities?: Capabilities;
  rlimits?: { type: string; hard: number; soft: number }[];
  noNewPrivileges?: boolean;
}

export interface User {
  uid: number;
  gid: number;
  additionalGids?: number[] | undefined;
}

export interface Capabilities {
  bounding: string[];
  effective: string[];
  permitted: string[];
}

export interface SpecMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

export interface Linux {
  resources: Resources;
  cgroupsPath?: string;
  namespaces: { type: string; path?: string }[];
  devices?: Device[];
  maskedPaths?: string[];
  readonlyPaths?: string[];
  rootfsPropagation?: string;
}

export interface Resources {
  devices: DeviceRule[];
  memory?: { limit: number };
  cpu?: { shares?: number; quota?: number; period?: number };
  pids?: { limit: number };
}

export interface DeviceRule {
  allow: boolean;
  type?: string;
  major?: number;
  minor?: number;
  access: string;
}

export interface Device {
  path: string;
  type: string;
  major: number;
  minor: number;
  fileMode: number;
  uid: number;
  gid: number;
}
