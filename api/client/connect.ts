// A client of a daemon behind a socket: ours or containerd.
import { invalidArgument } from "../core/errors.js";
import { type Client, createClient } from "./client.js";
import { GrpcChannel } from "./grpc-channel.js";

export type { Client } from "./client.js";

/** Where the daemon is, and what calls carry that do not say it themselves. Both hold for the client's life. */
export interface ConnectOptions {
  /** The daemon's unix socket: a path, or `unix://` and a path. */
  readonly address: string;
  /** For calls whose context names none. Default: none, and the daemon refuses what needs one. */
  readonly namespace?: string | undefined;
  /** Lease that what is made belongs to, for calls whose context names none. Default: none. */
  readonly leaseId?: string | undefined;
}

/**
 * A client of the daemon at `address`. Nothing is dialled before the first call, and a daemon that comes back is found again.
 * Dispose it to close the connection; calls that are open then fail, and new ones throw failed_precondition.
 * @throws invalid_argument for a malformed address, and for options of types that only JavaScript can give.
 */
export function connect(options: ConnectOptions): Client {
  if (typeof options !== "object" || options === null) throw invalidArgument("options must be an object");
  return createClient(new GrpcChannel(options.address, options));
}
