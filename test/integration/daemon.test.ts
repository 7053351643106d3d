// The daemon over its socket, as generated clients see it: what the stores answer, and what survives bad requests.
import { Client, status as Code, credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { Container } from "../../api/gen/services/containers/v1/containers.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { call, collect, headers, type RawClients, rawClients } from "../helpers/grpc.js";
import { freshNamespace } from "../helpers/temp.js";
import { PATIENCE_MS } from "../helpers/until.js";

const scope = new DisposeScope();
let daemon: Berthd;
let clients: RawClients;
let namespace: string;
let raw: Client;

beforeAll(async () => {
  namespace = freshNamespace(scope);
  daemon = await startBerthd(scope);
  clients = scope.use(rawClients(daemon.address));
  raw = new Client(`unix:${daemon.address}`, credentials.createInsecure(), { "grpc.max_send_message_length": -1 });
  scope.defer(() => raw.close());
});
afterAll(() => scope[Symbol.asyncDispose]());

const SPEC = { typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", value: Buffer.from("{}") };
const record = (id: string, more: Partial<Container> = {}): Container =>
  Container.fromPartial({ id, runtime: { name: "io.containerd.runc.v2" }, spec: SPEC, ...more });
const create = (id: string, more: Partial<Container> = {}) =>
  call(clients.containers, clients.containers.create, { container: record(id, more) }, headers(namespace));
const get = (id: string, metadata = headers(namespace)) =>
  call(clients.containers, clients.containers.get, { id }, metadata);

const same = (bytes: Buffer): Buffer => bytes;
/** Sends bytes that no client of ours would. */
const send = (path: string, bytes: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + PATIENCE_MS };
    raw.makeUnaryRequest(path, same, same, bytes, headers(namespace), options, (error, reply) =>
      error ? reject(error) : resolve(reply ?? Buffer.alloc(0)),
    );
  });

describe("headers", () => {
  test.each([
    [undefined, Code.FAILED_PRECONDITION, "namespace is required: failed precondition"],
    ["", Code.FAILED_PRECONDITION, "namespace is required: failed precondition"],
    ["a b", Code.INVALID_ARGUMENT, /^namespace validation: identifier "a b" must match /],
    ["unwritten", Code.NOT_FOUND, 'container "x" in namespace "unwritten": not found'],
  ])("namespace %j", async (name, code, details) => {
    const message = typeof details === "string" ? details : expect.stringMatching(details);
    await expect(get("x", headers(name))).rejects.toMatchObject({ code, details: message });
  });

  test("of a repeated header the first value counts", async () => {
    const metadata = new Metadata();
    metadata.add("containerd-namespace", "newer");
    metadata.add("containerd-namespace", namespace);
    await expect(get("x", metadata)).rejects.toMatchObject({
      details: 'container "x" in namespace "newer": not found',
    });
  });

  test("version, introspection and namespaces need none", async () => {
    await call(clients.namespaces, clients.namespaces.list, { filter: "" }, new Metadata());
    const { namespace: unknown } = await call(
      clients.namespaces,
      clients.namespaces.get,
      { name: "nobody" },
      new Metadata(),
    );
    expect(unknown).toMatchObject({ name: "nobody" });
  });
});

describe("namespaces", () => {
  test("are created, labelled, listed and deleted", async () => {
    const { namespaces } = clients;
    const name = `${namespace}-x`;
    const labels = new Map([
      ["a", "1"],
      ["empty", ""],
    ]);
    const none = new Metadata();
    const created = await call(namespaces, namespaces.create, { namespace: { name, labels } }, none);
    expect(created.namespace?.labels).toEqual(labels);
    await expect(call(namespaces, namespaces.create, { namespace: { name, labels } }, none)).rejects.toMatchObject({
      code: Code.ALREADY_EXISTS,
      details: `namespace "${name}": already exists`,
    });
    const update = { namespace: { name, labels: new Map([["b", "2"]]) }, updateMask: ["labels.b"] };
    expect((await call(namespaces, namespaces.update, update, none)).namespace).toBeUndefined();
    await expect(
      call(namespaces, namespaces.update, { ...update, updateMask: ["labels"] }, none),
    ).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/^cannot update "labels" field/),
    });
    const { namespaces: listed } = await call(namespaces, namespaces.list, { filter: "name==zzz" }, none);
    expect(listed.find((each) => each.name === name)?.labels).toEqual(
      new Map([
        ["a", "1"],
        ["b", "2"],
      ]),
    );
    await call(namespaces, namespaces.delete, { name }, none);
    await expect(call(namespaces, namespaces.delete, { name }, none)).rejects.toMatchObject({ code: Code.NOT_FOUND });
  });
});

describe("containers", () => {
  test("keep what was sent, byte by byte, and are read back alike by Get, List and ListStream", async () => {
    const options = { typeUrl: "some/Type", value: Buffer.from([0, 255, 1]) };
    const created = await create("whole", {
      labels: new Map([
        ["k", "v"],
        ["gone", ""],
      ]),
      image: "i",
      runtime: { name: "r", options },
      extensions: new Map([["e", options]]),
      sandbox: "s",
      createdAt: { seconds: 1n, nanos: 1 },
    });
    expect(created.container?.labels).toEqual(new Map([["k", "v"]]));
    expect(created.container?.runtime?.options).toMatchObject(options);
    expect(created.container?.createdAt).toEqual(created.container?.updatedAt);
    expect((await get("whole")).container).toEqual(created.container);
    const filters = ["id==whole"];
    const list = await call(clients.containers, clients.containers.list, { filters }, headers(namespace));
    expect(list.containers).toEqual([created.container]);
    const streamed = await collect(clients.containers.listStream({ filters }, headers(namespace)));
    expect(streamed.map(({ container }) => container)).toEqual([created.container]);
  });

  test("a list too large for one reply says so, and streams", async () => {
    const value = Buffer.alloc(6 << 20, "x");
    for (const id of ["big1", "big2", "big3"]) await create(id, { spec: { typeUrl: "t", value } });
    const filters = ["id~=^big"];
    await expect(
      call(clients.containers, clients.containers.list, { filters }, headers(namespace)),
    ).rejects.toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      details: expect.stringMatching(/^grpc: trying to send message larger than max \(188\d+ vs. 16777216\)/),
    });
    const streamed = await collect(clients.containers.listStream({ filters }, headers(namespace)));
    expect(streamed.map(({ container }) => container?.spec?.value.length)).toEqual([6 << 20, 6 << 20, 6 << 20]);
  });

  test("a bad filter fails both lists alike", async () => {
    const error = {
      code: Code.INVALID_ARGUMENT,
      details: 'filters: parse error: [id >|=|< 1]: unsupported operator "=": invalid argument: invalid argument',
    };
    const request = { filters: ["id=1"] };
    await expect(call(clients.containers, clients.containers.list, request, headers(namespace))).rejects.toMatchObject(
      error,
    );
    await expect(collect(clients.containers.listStream(request, headers(namespace)))).rejects.toMatchObject(error);
  });
});

describe("leases", () => {
  test("come with a made-up id, hold resources, and end", async () => {
    const { leases } = clients;
    const metadata = headers(namespace);
    const { lease } = await call(leases, leases.create, { id: "", labels: new Map([["k", "v"]]) }, metadata);
    expect(lease?.id).toMatch(/^\d+-[A-Za-z0-9_-]{4}$/);
    const id = lease?.id ?? "";
    const resource = { id: "key", type: "snapshots/overlayfs" };
    await call(leases, leases.addResource, { id, resource }, metadata);
    expect((await call(leases, leases.listResources, { id }, metadata)).resources).toMatchObject([resource]);
    await call(leases, leases.deleteResource, { id, resource }, metadata);
    await call(leases, leases.delete, { id, sync: true }, metadata);
    await expect(call(leases, leases.delete, { id, sync: false }, metadata)).rejects.toMatchObject({
      code: Code.NOT_FOUND,
      details: `lease "${id}": not found`,
    });
  });
});

describe("bad requests", () => {
  const S = "/containerd.services";
  test.each([
    ["no container", `${S}.containers.v1.Containers/Create`, "", Code.INVALID_ARGUMENT],
    ["no container to update", `${S}.containers.v1.Containers/Update`, "", Code.INVALID_ARGUMENT],
    ["no namespace", `${S}.namespaces.v1.Namespaces/Create`, "", Code.INVALID_ARGUMENT],
    ["no resource", `${S}.leases.v1.Leases/AddResource`, "", Code.INVALID_ARGUMENT],
    ["no event", `${S}.events.v1.Events/Publish`, "0a022f61", Code.INVALID_ARGUMENT],
    ["no envelope", `${S}.events.v1.Events/Forward`, "", Code.INVALID_ARGUMENT],
    ["no exec spec", `${S}.tasks.v1.Tasks/Exec`, "0a01783a0165", Code.INVALID_ARGUMENT],
    ["a length beyond the end", `${S}.containers.v1.Containers/Get`, "0aff", Code.INTERNAL],
    ["a tag cut off", `${S}.containers.v1.Containers/Create`, "ffffff", Code.INTERNAL],
    ["a wire type that does not exist", `${S}.containers.v1.Containers/Get`, "0f01", Code.INTERNAL],
    ["bytes that are no UTF-8", `${S}.containers.v1.Containers/Get`, "0a02fffe", Code.NOT_FOUND],
    ["an id of a megabyte", `${S}.containers.v1.Containers/Get`, `0a808040${"61".repeat(1 << 20)}`, Code.NOT_FOUND],
    ["no such method", `${S}.containers.v1.Containers/Nope`, "", Code.UNIMPLEMENTED],
    ["no such service", "/no.Such/Service", "", Code.UNIMPLEMENTED],
  ])("%s", async (_, path, hex, code) => {
    await expect(send(path, Buffer.from(hex, "hex"))).rejects.toMatchObject({ code });
  });

  test("more than 16 MiB", async () => {
    const path = `${S}.containers.v1.Containers/Create`;
    await expect(send(path, Buffer.alloc((16 << 20) + 1))).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
  });

  test("leave the daemon as it was", async () => {
    const server = await call(clients.introspection, clients.introspection.server, {}, new Metadata());
    expect(server.pid).toBe(BigInt(daemon.pid));
    expect(daemon.log()).not.toContain("rpc failed unexpectedly");
  });
});
