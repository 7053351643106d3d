// Devices of a container: nodes, and rules of who may be opened. Docker takes a node's numbers and rights from the host's own.
import { isDefaultDevice, isDefaultRule } from "./defaults.js";
import { type FindDevice, hostDevice } from "./host-devices.js";
import type { OciDevice } from "./oci-spec.js";
import type { Asked, Part } from "./part.js";
import type { DeviceRule } from "./resources-schema.js";

const ALL = "rwm";
/** What a container may do with any device. */
const MAKE = "m";

/** `find` looks at the host; where it has no such node Docker is to say so. */
export function translateDevices({ spec: { linux } }: Asked, find: FindDevice = hostDevice): Part {
  const { allowed, refused } = readRules(linux?.resources?.devices ?? []);
  const devices = (linux?.devices ?? []).filter((device) => !isDefaultDevice(device));
  const rules = allowed.filter((rule) => !devices.some((device) => isFor(rule, device)));
  return {
    host: {
      ...(devices.length > 0 && {
        Devices: devices.map((device) => ({
          PathOnHost: device.path,
          PathInContainer: device.path,
          CgroupPermissions: accessTo(device, allowed),
        })),
      }),
      ...(rules.length > 0 && { DeviceCgroupRules: rules.map(ruleText) }),
    },
    refused: [...refused, ...devices.flatMap((device) => faultsOf(device, find))],
  };
}

/** What is allowed beyond Docker's own rules, in the end: what is asked for first is to deny all. */
function readRules(rules: readonly DeviceRule[]): { readonly allowed: DeviceRule[]; readonly refused: string[] } {
  let allowed: DeviceRule[] = [];
  const refused: string[] = [];
  for (const rule of rules) {
    if (rule.allow) {
      if (!isDefaultRule(rule)) allowed.push(rule);
    } else if (isForAll(rule)) allowed = [];
    // Denying what nobody allowed changes nothing.
    else if (isDefaultRule(rule) || allowed.some((other) => overlap(rule, other))) {
      refused.push(`linux.resources.devices (deny ${ruleText(rule)})`);
    }
  }
  return { allowed, refused };
}

/** Some clients write -1 for all. */
const numberOf = (value: number | null | undefined): number | undefined =>
  value === null || value === undefined || value < 0 ? undefined : value;
const typeOf = ({ type }: DeviceRule): string => type || "a";

const isForAll = (rule: DeviceRule): boolean =>
  typeOf(rule) === "a" && numberOf(rule.major) === undefined && numberOf(rule.minor) === undefined;

function overlap(one: DeviceRule, other: DeviceRule): boolean {
  const agree = (left: number | undefined, right: number | undefined) =>
    left === undefined || right === undefined || left === right;
  const types = [typeOf(one), typeOf(other)];
  return (
    (types[0] === types[1] || types.includes("a")) &&
    agree(numberOf(one.major), numberOf(other.major)) &&
    agree(numberOf(one.minor), numberOf(other.minor))
  );
}

const ruleText = (rule: DeviceRule): string =>
  `${typeOf(rule)} ${numberOf(rule.major) ?? "*"}:${numberOf(rule.minor) ?? "*"} ${rule.access || ALL}`;

const isFor = (rule: DeviceRule, { type, major, minor }: OciDevice): boolean =>
  typeOf(rule) === type && rule.major === major && rule.minor === minor;

function accessTo({ type, major, minor }: OciDevice, allowed: readonly DeviceRule[]): string {
  const letters = allowed
    .filter((rule) => overlap(rule, { allow: true, type, major, minor }))
    .map(({ access }) => access || ALL)
    .join("");
  return [...ALL].filter((letter) => letter === MAKE || letters.includes(letter)).join("");
}

function faultsOf(device: OciDevice, find: FindDevice): string[] {
  const { path, type, major, minor, fileMode, uid, gid } = device;
  const name = `linux.devices ${path}`;
  if (type !== "c" && type !== "b" && type !== "u") return [`${name} (of type ${type})`];
  const found = find(path);
  if (found === undefined) return [];
  const isSame = found.type === (type === "u" ? "c" : type) && found.major === major && found.minor === minor;
  if (!isSame) return [`${name} (another device than the host's)`];
  const wants = [
    [fileMode == null ? undefined : fileMode % 0o1000, found.fileMode],
    [uid, found.uid],
    [gid, found.gid],
  ];
  return wants.every(([want, has]) => want == null || want === has) ? [] : [`${name} (other rights than the host's)`];
}
