// Whether a container's root is the machine's: asked for at a start, and true from the next start on.
import { invalidArgument } from "../../api/core/errors.js";
import { StartContainerRequest_PrivilegeLevel as Level } from "../../api/gen/vm_tools/tremplin.js";
import { type LxdInstance, updateInstance } from "../../runtime/lxd/instances.js";
import { failedTo } from "./failure.js";
import type { Tremplin } from "./tremplin.js";

const SETTING = "security.privileged";
/** "" changes nothing. Over the wire any number may come. */
const VALUES: ReadonlyMap<Level, string> = new Map([
  [Level.UNCHANGED, ""],
  [Level.UNPRIVILEGED, "false"],
  [Level.PRIVILEGED, "true"],
]);

/** @throws invalid_argument for a number that stands for nothing. */
export function checkLevel(level: Level): void {
  if (!VALUES.has(level)) throw invalidArgument(`bad privilege level value: ${level}`);
}

/** Stores what is asked for, unless that is to leave it as it is. */
export async function storeLevel(
  { lxd }: Pick<Tremplin, "lxd">,
  { name, config }: Pick<LxdInstance, "name" | "config">,
  level: Level,
): Promise<void> {
  const value = VALUES.get(level) ?? "";
  if (value === "" || config[SETTING] === value) return;
  await updateInstance(lxd, name, { config: { [SETTING]: value } }).catch(failedTo("set privilege level"));
}
