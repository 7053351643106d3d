// What a container shares with its host or with another container. To the OCI a type that is missing is the host's; Docker has a
// mode for each.
import type { HostConfig } from "../../../docker/container-body.js";
import type { Asked, Part } from "./part.js";

const OWN_OR_HOST = new Map<string, (isOwn: boolean) => HostConfig>([
  ["pid", (isOwn) => (isOwn ? {} : { PidMode: "host" })],
  ["ipc", (isOwn) => (isOwn ? {} : { IpcMode: "host" })],
  ["uts", (isOwn) => (isOwn ? {} : { UTSMode: "host" })],
  ["cgroup", (isOwn) => ({ CgroupnsMode: isOwn ? "private" : "host" })],
]);
/** Types that another container's can be joined of: `container:NAME` in the place of a path. */
const JOINABLE = new Map<string, (mode: string) => HostConfig>([
  ["pid", (mode) => ({ PidMode: mode })],
  ["ipc", (mode) => ({ IpcMode: mode })],
]);
const CONTAINER = "container:";

export const isContainer = (path: string): boolean => path.startsWith(CONTAINER) && path.length > CONTAINER.length;

/** The network's is network.ts'. A spec without any namespace is not one for a container yet: Docker isolates as it always does. */
export function translateNamespaces({ spec: { linux } }: Asked): Part {
  const namespaces = linux?.namespaces ?? [];
  if (namespaces.length === 0) return {};
  const host: HostConfig = {};
  const refused: string[] = [];
  if (!namespaces.some(({ type }) => type === "mount")) refused.push("linux.namespaces (the host's mounts)");
  for (const [type, mode] of OWN_OR_HOST) {
    const found = namespaces.find((namespace) => namespace.type === type);
    if (!found?.path) Object.assign(host, mode(found !== undefined));
  }
  for (const { type, path } of namespaces) {
    if (type === "network") continue;
    const join = JOINABLE.get(type);
    if (!path && (OWN_OR_HOST.has(type) || type === "mount")) continue;
    if (path && join !== undefined && isContainer(path)) Object.assign(host, join(path));
    else refused.push(`linux.namespaces (${type}${path ? ` of ${path}` : ""})`);
  }
  return { host, refused };
}
