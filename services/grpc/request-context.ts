// From the headers of a call to its RequestContext.
// @source containerd pkg/namespaces/grpc.go, core/leases/grpc.go
import type { Metadata } from "@grpc/grpc-js";
import type { PeerCredentials, RequestContext } from "../../api/core/context.js";

/** The ttrpc form of it, `containerd-namespace-ttrpc`, counts on ttrpc only. */
const NAMESPACE_HEADER = "containerd-namespace";
const LEASE_HEADER = "containerd-lease";

/**
 * `peer` is what {@link peerName} made of the connection's credentials. Signal and peer are made when they are asked for, which
 * most handlers never do.
 */
export function requestContext(
  metadata: Metadata,
  call: { readonly signal: AbortSignal },
  peer: string,
): RequestContext {
  return {
    namespace: firstValue(metadata, NAMESPACE_HEADER),
    leaseId: firstValue(metadata, LEASE_HEADER),
    get signal() {
      return call.signal;
    },
    get peer() {
      return parsePeerName(peer);
    },
  };
}

/** The first value counts: clients put a newer one in front. Node joins repeated headers with a comma. */
function firstValue(metadata: Metadata, key: string): string | undefined {
  return metadata.get(key)[0]?.toString().split(",", 1)[0]?.trim();
}

/** The credentials as the text that stands in for a unix socket's missing remote address. */
export const peerName = ({ pid, uid, gid }: PeerCredentials): string => `unix:pid=${pid},uid=${uid},gid=${gid}`;

export function parsePeerName(name: string): PeerCredentials | undefined {
  const match = /^unix:pid=(\d+),uid=(\d+),gid=(\d+)$/.exec(name);
  return match === null ? undefined : { pid: Number(match[1]), uid: Number(match[2]), gid: Number(match[3]) };
}
