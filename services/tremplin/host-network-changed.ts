// HostNetworkChanged: has containers ask for new addresses. Only IPv6 ones are lost when the host changes its network.
import { errorOf } from "../../api/core/errors.js";
import { type HostNetworkChangedRequest, HostNetworkChangedResponse } from "../../api/gen/vm_tools/tremplin.js";
import { getInstanceState, listInstances } from "../../runtime/lxd/instances.js";
import { reasonOf } from "./failure.js";
import { isInternalName } from "./names.js";
import { runInside } from "./run-inside.js";
import type { Tremplin } from "./tremplin.js";

/** Before LXD runs there is nothing to do. @throws internal when the containers cannot be listed. */
export async function hostNetworkChanged(
  tremplin: Tremplin,
  _request: HostNetworkChangedRequest,
): Promise<HostNetworkChangedResponse> {
  if (tremplin.engine.isStarted()) {
    await Promise.all((await runningContainers(tremplin)).map((name) => renew(tremplin, name)));
  }
  return HostNetworkChangedResponse.fromPartial({});
}

async function runningContainers({ lxd }: Tremplin): Promise<string[]> {
  try {
    const instances = await listInstances(lxd);
    return instances
      .filter(({ name, status }) => status === "Running" && !isInternalName(name))
      .map(({ name }) => name);
  } catch (error) {
    throw errorOf("internal", `failed to list containers: ${reasonOf(error)}`, error);
  }
}

/** An interface that is off and on again for IPv6 asks whoever is there now. */
async function renew(tremplin: Tremplin, name: string): Promise<void> {
  const { lxd, log } = tremplin;
  try {
    const { network } = await getInstanceState(lxd, name);
    for (const [device, { addresses }] of Object.entries(network ?? {})) {
      if (!addresses.some(({ family, scope }) => family === "inet6" && scope === "global")) continue;
      // Dots part the names of settings, unless slashes do.
      const key = `net/ipv6/conf/${device}/disable_ipv6`;
      for (const value of ["1", "0"]) {
        const { code, lines } = await runInside(lxd, name, ["sysctl", "-w", `${key}=${value}`]);
        if (code !== 0) throw new Error(`sysctl ended with ${code}: ${lines.join(" ")}`);
      }
    }
  } catch (err) {
    log.warn({ name, err }, "a container was not told of the new network");
  }
}
