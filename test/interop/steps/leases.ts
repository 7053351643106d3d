// Leases: made, listed, filtered, removed, and what is refused.
import { maskGenerated } from "../mask.js";
import { command, type Step, story } from "../step.js";

export const leases: readonly Step[] = [
  command(["leases", "create", "--id", "l1", "k=v"]),
  command(["leases", "create", "--id", "l1"]),
  command(["leases", "create", "--id", "l2", "--expires", "0s"]),
  command(["leases", "ls"]),
  command(["leases", "ls", "-q"]),
  command(["leases", "create"], maskGenerated),
  command(["leases", "ls", "-q", "labels.k==v"]),
  command(["leases", "rm", "l1"]),
  command(["leases", "rm", "--sync", "l2"]),
  command(["leases", "rm", "l1"]),
  command(["leases", "ls", "-q"], maskGenerated),
  story("leases rm of all", async ({ cli }) => {
    const ids = (await cli.run(["leases", "ls", "-q"])).stdout.trim().split("\n");
    return { ...(await cli.run(["leases", "rm", ...ids])), stdout: `${ids.length}` };
  }),
];
