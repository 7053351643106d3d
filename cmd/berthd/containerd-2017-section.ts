// The section [containerd_2017] of the config file: the API of containerd in May 2017, on a socket of its own.
import * as z from "zod";

/** Without an address, or with "", that API is not served; what the others mean is the daemon's to check. */
export const containerd2017SectionSchema = z
  .strictObject({
    address: z.string().default(""),
    namespace: z.string().optional(),
    snapshotter: z.string().optional(),
  })
  .transform(({ address, namespace, snapshotter }) =>
    address === "" ? undefined : { address, namespace: namespace || undefined, snapshotter: snapshotter || undefined },
  );
