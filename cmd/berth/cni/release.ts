// What is left of a container's networks, given back when its task is deleted: asked for at every deletion, so it costs next to nothing
// where there are none.
import { existsSync } from "node:fs";

/** Nothing is tried where CNI was never used. @throws what a plugin says. */
export async function releaseNetworksOf(namespace: string, id: string): Promise<void> {
  if (!existsSync("/var/lib/cni/results")) return;
  await (await import("./network.js")).releaseNetworks(namespace, id);
}
