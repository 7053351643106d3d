// Wrong calls to the leases service: leases and what they hold.
import { call, headers } from "../../helpers/grpc.js";
import type { WrongCall } from "./wrong-call.js";

function resource(verb: "addResource" | "deleteResource", lease: string, id: string, type: string): WrongCall {
  return {
    name: `Leases.${verb} ${lease} ${type} ${id}`,
    make: ({ clients: { leases }, namespace }) =>
      call(leases, leases[verb], { id: lease, resource: { id, type } }, headers(namespace)),
  };
}

export const leases: readonly WrongCall[] = [
  {
    name: "Leases.Create of one that exists",
    make: ({ clients: { leases: l }, namespace }) =>
      call(l, l.create, { id: "held", labels: new Map() }, headers(namespace)),
  },
  {
    name: "Leases.Create without a namespace",
    make: ({ clients: { leases: l } }) => call(l, l.create, { id: "new", labels: new Map() }, headers(undefined)),
  },
  {
    name: "Leases.Delete of none",
    make: ({ clients: { leases: l }, namespace }) => call(l, l.delete, { id: "none", sync: false }, headers(namespace)),
  },
  {
    name: "Leases.ListResources of none",
    make: ({ clients: { leases: l }, namespace }) => call(l, l.listResources, { id: "none" }, headers(namespace)),
  },
  {
    name: "Leases.List with a malformed filter",
    make: ({ clients: { leases: l }, namespace }) => call(l, l.list, { filters: ["id="] }, headers(namespace)),
  },
  resource("addResource", "none", "x", "snapshots/native"),
  resource("addResource", "held", "sha256:abc", "content"),
  resource("addResource", "held", "md5:abc", "content"),
  resource("addResource", "held", "abc", "content"),
  resource("addResource", "held", "x", "snapshots"),
  resource("addResource", "held", "x", "snapshots/a/b"),
  resource("addResource", "held", "x", "ingests/a"),
  resource("addResource", "held", "x", "nonsense"),
  resource("deleteResource", "none", "x", "ingests"),
  resource("deleteResource", "held", "x", "nonsense"),
];
