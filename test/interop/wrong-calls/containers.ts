// Wrong calls to the containers service: namespaces, ids, records, field masks and filters.
import { SPEC_TYPE } from "../../../api/core/typeurl.js";
import type { Container } from "../../../api/gen/services/containers/v1/containers.js";
import { call, collect, headers } from "../../helpers/grpc.js";
import { INVALID_ARGUMENT, json, type WrongCall } from "./wrong-call.js";

const spec = json(SPEC_TYPE, { ociVersion: "1.0.2" });

const nothing = { labels: new Map(), extensions: new Map() } as const;

const blank: Container = {
  ...nothing,
  id: "",
  image: "",
  runtime: { name: "io.containerd.runc.v2" },
  spec,
  snapshotter: "",
  snapshotKey: "",
  sandbox: "",
};

function create(container: Partial<Container>): WrongCall["make"] {
  return ({ clients: { containers }, namespace }) =>
    call(containers, containers.create, { container: { ...blank, ...container } }, headers(namespace));
}

function update(container: Partial<Container>, updateMask: string[] | undefined): WrongCall["make"] {
  return ({ clients: { containers }, namespace }) =>
    call(containers, containers.update, { container: { ...blank, ...container }, updateMask }, headers(namespace));
}

export const containers: readonly WrongCall[] = [
  {
    name: "Containers.Get without a namespace",
    make: ({ clients: { containers: c } }) => call(c, c.get, { id: "idle" }, headers(undefined)),
  },
  {
    name: "Containers.Get with an empty namespace",
    make: ({ clients: { containers: c } }) => call(c, c.get, { id: "idle" }, headers("")),
  },
  {
    name: "Containers.Get with a malformed namespace",
    make: ({ clients: { containers: c } }) => call(c, c.get, { id: "idle" }, headers("a b")),
  },
  {
    name: "Containers.Get of none",
    make: ({ clients: { containers: c }, namespace }) => call(c, c.get, { id: "none" }, headers(namespace)),
  },
  {
    name: "Containers.Get with an empty id",
    make: ({ clients: { containers: c }, namespace }) => call(c, c.get, { id: "" }, headers(namespace)),
  },
  {
    name: "Containers.Get in a namespace nobody wrote to",
    make: ({ clients: { containers: c } }) => call(c, c.get, { id: "idle" }, headers("unheard-of")),
  },
  { name: "Containers.Create with an empty id", make: create({}) },
  { name: "Containers.Create with a malformed id", make: create({ id: "a b" }) },
  { name: "Containers.Create with quotes and control characters in the id", make: create({ id: 'a"\n\u00e9\u0001' }) },
  { name: "Containers.Create with a doubled separator", make: create({ id: "a--b" }) },
  { name: "Containers.Create with an id of 77 bytes", make: create({ id: "x".repeat(77) }) },
  { name: "Containers.Create of one that exists", make: create({ id: "idle" }) },
  { name: "Containers.Create without a runtime", make: create({ id: "new", runtime: { name: "" } }) },
  { name: "Containers.Create without a spec", make: create({ id: "new", spec: undefined }) },
  { name: "Containers.Create with a key but no snapshotter", make: create({ id: "new", snapshotKey: "key" }) },
  {
    name: "Containers.Create with an extension without a key",
    make: create({ id: "new", extensions: new Map([["", spec]]) }),
  },
  {
    name: "Containers.Create with an oversized label",
    make: create({ id: "new", labels: new Map([["key", "v".repeat(4094)]]) }),
    difference: {
      why: "berthd uses the words of containerd 1.7 and later, which tell the length",
      answer: {
        code: INVALID_ARGUMENT,
        message:
          "create container failed validation: containers.Labels: label key and value length (4097 bytes) greater than maximum size (4096 bytes), key: key: invalid argument",
      },
    },
  },
  { name: "Containers.Update without an id", make: update({}, ["labels"]) },
  { name: "Containers.Update of none", make: update({ id: "none" }, ["labels"]) },
  { name: "Containers.Update of an unknown field", make: update({ id: "idle" }, ["labels", "nonsense"]) },
  { name: "Containers.Update of snapshot_key", make: update({ id: "idle" }, ["snapshot_key"]) },
  { name: "Containers.Update of runtime", make: update({ id: "idle" }, ["runtime"]) },
  { name: "Containers.Update of id", make: update({ id: "idle" }, ["id"]) },
  { name: "Containers.Update of a spec to none", make: update({ id: "idle", spec: undefined }, ["spec"]) },
  { name: "Containers.Update of the key alone", make: update({ id: "idle", snapshotKey: "k" }, ["snapshotkey"]) },
  {
    name: "Containers.Update of all, another runtime",
    make: update({ id: "idle", runtime: { name: "x.y" } }, undefined),
  },
  { name: "Containers.Update of all, another snapshotter", make: update({ id: "idle", snapshotter: "x" }, undefined) },
  {
    name: "Containers.Delete of none",
    make: ({ clients: { containers: c }, namespace }) => call(c, c.delete, { id: "none" }, headers(namespace)),
  },
  {
    name: "Containers.Delete in a namespace nobody wrote to",
    make: ({ clients: { containers: c } }) => call(c, c.delete, { id: "none" }, headers("unheard-of")),
  },
  ...[
    "labels.a=b",
    "nonsense",
    "id==",
    "id~=[",
    'labels."a==b',
    "==",
    "id==a,,",
    "id!a",
    "labels..a==b",
    "id==/a",
    "id~=/a/",
  ].map(
    (filter): WrongCall => ({
      name: `Containers.List with filter ${filter}`,
      make: async ({ clients: { containers: c }, namespace }) =>
        (await call(c, c.list, { filters: [filter] }, headers(namespace))).containers.map(({ id }) => id),
    }),
  ),
  {
    name: "Containers.ListStream with a malformed filter",
    make: ({ clients: { containers: c }, namespace }) =>
      collect(c.listStream({ filters: ["id="] }, headers(namespace))),
  },
];
