// Whether a container's root is the machine's: asked for at a start, and true from the next start on.
import { invalidArgument } from "../../api/core/errors.js";
import { StartContainerRequest_PrivilegeLevel as Level } from "../../api/gen/vm_tools/tremplin.js";
import { type LxdInstance, updateInstance } from "../../runtime/lxd/instances.js";
import { failedTo } from "./failure.js";
import type { Tremplin } from "./tremplin.js";

const SETTING = "security.privileged";

/** @throws invalid_argument for a number that stands for nothing. */
export function checkLevel(level: Level): void {
  if (settingOf(level) === undefined) throw invalidArgument(`bad privilege level value: ${level}`);
}

/** Stores what is asked for, unless that is to leave it as it is. */
export async function storeLevel(
  { lxd }: Pick<Tremplin, "lxd">,
  { name, config }: Pick<LxdInstance, "name" | "config">,
  level: Level,
): Promise<void> {
  const setting = settingOf(level);
  if (setting === undefined || setting === "" || config[SETTING] === setting) return;
  await updateInstance(lxd, name, { config: { [SETTING]: setting } }).catch(failedTo("set privilege level"));
}

/** "" for no change; undefined for an unknown level, which may come over the wire. */
function settingOf(level: Level): "" | "true" | "false" | undefined {
  switch (level) {
    case Level.UNCHANGED:
      return "";
    case Level.UNPRIVILEGED:
      return "false";
    case Level.PRIVILEGED:
      return "true";
    case Level.UNRECOGNIZED:
    default:
      return undefined;
  }
}
