// Wrong calls to the namespaces service.
import { call, headers } from "../../helpers/grpc.js";
import type { WrongCall } from "./wrong-call.js";

export const namespaces: readonly WrongCall[] = [
  {
    name: "Namespaces.Create of one that exists",
    make: ({ clients: { namespaces: n }, namespace }) =>
      call(n, n.create, { namespace: { name: namespace, labels: new Map() } }, headers(namespace)),
  },
  {
    name: "Namespaces.Create with a malformed name",
    make: ({ clients: { namespaces: n }, namespace }) =>
      call(n, n.create, { namespace: { name: "a/b", labels: new Map() } }, headers(namespace)),
  },
  {
    name: "Namespaces.Create with an empty name",
    make: ({ clients: { namespaces: n }, namespace }) =>
      call(n, n.create, { namespace: { name: "", labels: new Map() } }, headers(namespace)),
  },
  {
    name: "Namespaces.Update of the path labels",
    make: ({ clients: { namespaces: n }, namespace }) =>
      call(
        n,
        n.update,
        { namespace: { name: namespace, labels: new Map([["a", "b"]]) }, updateMask: ["labels"] },
        headers(namespace),
      ),
  },
  {
    name: "Namespaces.Update of the path name",
    make: ({ clients: { namespaces: n }, namespace }) =>
      call(
        n,
        n.update,
        { namespace: { name: namespace, labels: new Map() }, updateMask: ["name"] },
        headers(namespace),
      ),
  },
  {
    name: "Namespaces.Delete of none",
    make: ({ clients: { namespaces: n }, namespace }) => call(n, n.delete, { name: "none" }, headers(namespace)),
  },
  {
    name: "Namespaces.Delete of one that holds containers",
    make: ({ clients: { namespaces: n }, namespace }) => call(n, n.delete, { name: namespace }, headers(namespace)),
  },
];
