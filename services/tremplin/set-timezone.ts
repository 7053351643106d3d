// SetTimezone: sets the time zone of containers by the tool of their systems, or else by a variable that programs go by.
import { invalidArgument, unknownError } from "../../api/core/errors.js";
import { type SetTimezoneRequest, SetTimezoneResponse } from "../../api/gen/vm_tools/tremplin.js";
import { getInstance, updateInstance } from "../../runtime/lxd/instances.js";
import { reasonOf } from "./failure.js";
import { checkContainerName } from "./names.js";
import { runInside } from "./run-inside.js";
import type { Tremplin } from "./tremplin.js";

/** Of a running container's tool, which may wait for services that do not come up. */
const TOOL_TIMEOUT_MS = 20_000;
const TZ = "environment.TZ";
/** Of a zone in the system's database: never an option of the tool. */
const ZONE = /^[A-Za-z0-9_][A-Za-z0-9_+/.-]*$/;
/** Any text that can stand in a line of an environment. */
const POSIX_TZ = /^[\x20-\x7e]{1,255}$/;

type Setter = Pick<Tremplin, "engine" | "lxd" | "ending">;

export async function setTimezone(
  tremplin: Setter,
  { timezoneName, posixTzString, containerNames }: SetTimezoneRequest,
): Promise<SetTimezoneResponse> {
  if (!tremplin.engine.isStarted()) {
    return SetTimezoneResponse.fromPartial({ failureReasons: ["Ignoring SetTimezone request before LXD is running"] });
  }
  const reasons = await Promise.all(containerNames.map((name) => setIn(tremplin, name, timezoneName, posixTzString)));
  const failureReasons = reasons.filter((reason) => reason !== undefined);
  return SetTimezoneResponse.fromPartial({ successes: reasons.length - failureReasons.length, failureReasons });
}

/** @returns why not. */
async function setIn(
  { lxd, ending }: Setter,
  name: string,
  zone: string,
  posixTz: string,
): Promise<string | undefined> {
  let config: Readonly<Record<string, string>>;
  try {
    checkContainerName(name);
    ({ config } = await getInstance(lxd, name));
  } catch (error) {
    return `could not get container ${name}: ${reasonOf(error)}`;
  }
  const reasons: string[] = [];
  const attempts = [
    async () => {
      await runTool(lxd, name, zone, ending);
      if (config[TZ] !== undefined) await updateInstance(lxd, name, { config: { [TZ]: "" } });
    },
    async () => {
      if (!POSIX_TZ.test(posixTz)) throw invalidArgument("bad POSIX time zone");
      await updateInstance(lxd, name, { config: { [TZ]: posixTz } });
    },
  ];
  for (const attempt of posixTz === "" ? attempts.slice(0, 1) : attempts) {
    try {
      await attempt();
      return undefined;
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  return `container ${name}: ${reasons.join(", ")}`;
}

async function runTool(lxd: Tremplin["lxd"], name: string, zone: string, ending: AbortSignal): Promise<void> {
  if (!ZONE.test(zone)) throw invalidArgument("bad name of a time zone");
  const signal = AbortSignal.any([ending, AbortSignal.timeout(TOOL_TIMEOUT_MS)]);
  const { code, lines } = await runInside(lxd, name, ["timedatectl", "set-timezone", zone], { signal });
  if (code !== 0) throw unknownError(`timedatectl ended with status ${code}: ${lines.at(-1) ?? "it said nothing"}`);
}
