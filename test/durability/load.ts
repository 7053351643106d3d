// A write load in which every change can be told from every other one by its bytes: in the request, in the WAL, in the ledger.
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { ContainersService } from "../../api/gen/services/containers/v1/containers.js";
import { EventsService } from "../../api/gen/services/events/v1/events.js";
import { LeasesService } from "../../api/gen/services/leases/v1/leases.js";
import { EventsService as ShimEventsService } from "../../api/gen/services/ttrpc/events/v1/events.js";
import { Request as TtrpcRequest } from "../../api/gen/ttrpc/request.js";
import { connectTtrpc } from "../../runtime/ttrpc/client.js";

/** What a change leaves in the database, each in one commit only: `create c-0001`, `event /contract/p-0001`. */
export type Fact = string;

/** One call of the load. */
export interface Deed {
  readonly fact: Fact;
  readonly socket: "grpc" | "ttrpc";
  readonly request: Buffer;
  /** Set when the call has ended: "OK", or the name of the error. */
  outcome: string | undefined;
}

export interface LoadOptions {
  readonly address: string;
  readonly ttrpcAddress: string;
  readonly namespace: string;
  /** Number of the first container, so that two loads share no name. */
  readonly from: number;
  readonly containers: number;
  readonly callers: number;
}

/** A runtime spec that fills a page or so, as real ones do. */
const SPEC = anyOfJson(SPEC_TYPE, { ociVersion: "1.0.2", process: { env: Array(100).fill("A=0123456789") } });
const EVENT = { typeUrl: "contract.Event", value: Buffer.from("x") };
const pass = (bytes: Buffer): Buffer => bytes;
const numbered = (letter: string, n: number): string => `${letter}-${`${n}`.padStart(4, "0")}`;

const CONTAINER_FACT = /containerd\.events\.Container(Create|Update|Delete)[\s\S]{2,3}?\n[\s\S](c-\d{4})/g;
const EVENT_FACT = /\/contract\/[pf]-\d{4}/g;
const LEASE_FACT = /l-\d{4}/g;

/** The facts that bytes tell of: of a page of the database, of a message to a subscriber, of an envelope. */
export function factsIn(bytes: Uint8Array): Fact[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  return [
    ...[...text.matchAll(CONTAINER_FACT)].map(([, verb = "", id]) => `${verb.toLowerCase()} ${id}`),
    ...[...text.matchAll(EVENT_FACT)].map(([topic]) => `event ${topic}`),
    ...[...text.matchAll(LEASE_FACT)].map(([id]) => `lease ${id}`),
  ];
}

/** Runs the load to its end, or until the daemon is gone. */
export async function runLoad(options: LoadOptions): Promise<Deed[]> {
  const deeds: Deed[] = [];
  const numbers = Array.from({ length: options.containers }, (_, index) => options.from + index);
  await using ttrpc = await connectTtrpc(options.ttrpcAddress);
  const caller = async (): Promise<void> => {
    const client = new Client(`unix:${options.address}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    const grpc = async (fact: Fact, path: string, request: Buffer): Promise<void> => {
      const deed: Deed = { fact, socket: "grpc", request, outcome: undefined };
      deeds.push(deed);
      deed.outcome = await callGrpc(client, path, request, options.namespace);
    };
    const forward = async (n: number): Promise<void> => {
      const topic = `/contract/${numbered("f", n)}`;
      const timestamp = { seconds: 1n, nanos: n };
      const message = { envelope: { timestamp, namespace: options.namespace, topic, event: EVENT } };
      const request = ttrpcRequest(ShimEventsService.forward.requestSerialize(message));
      const deed: Deed = { fact: `event ${topic}`, socket: "ttrpc", request, outcome: undefined };
      deeds.push(deed);
      deed.outcome = await ttrpc.call(ShimEventsService.forward, message).then(
        () => "OK",
        (error: Error) => error.name,
      );
    };
    for (let n = numbers.shift(); n !== undefined; n = numbers.shift()) await oneContainer(n, grpc, forward);
    client.close();
  };
  await Promise.all(Array.from({ length: options.callers }, caller));
  return deeds;
}

type Grpc = (fact: Fact, path: string, request: Buffer) => Promise<void>;

async function oneContainer(n: number, grpc: Grpc, forward: (n: number) => Promise<void>): Promise<void> {
  const id = numbered("c", n);
  const labels = new Map([["mark", numbered("u", n)]]);
  const containers = ContainersService;
  const create = containers.create.requestSerialize({
    container: containerMessage(id, new Map(), "io.containerd.runc.v2"),
  });
  const created = grpc(`create ${id}`, containers.create.path, create);
  // The second one is refused because of the first, and must not say so before that one is on disk.
  if (n % 5 === 0) await grpc(`create ${id}`, containers.create.path, create);
  await created;
  if (n % 3 === 0) {
    const topic = `/contract/${numbered("p", n)}`;
    const publish = EventsService.publish;
    await Promise.all([
      grpc(`event ${topic}`, publish.path, publish.requestSerialize({ topic, event: EVENT })),
      forward(n),
    ]);
    const lease = numbered("l", n);
    const createLease = LeasesService.create;
    const request = createLease.requestSerialize({ id: lease, labels: new Map() });
    await grpc(`lease ${lease}`, createLease.path, request);
  }
  const update = { container: containerMessage(id, labels, ""), updateMask: ["labels.mark"] };
  await grpc(`update ${id}`, containers.update.path, containers.update.requestSerialize(update));
  if (n % 2 === 0) await grpc(`delete ${id}`, containers.delete.path, containers.delete.requestSerialize({ id }));
}

function containerMessage(id: string, labels: Map<string, string>, runtime: string) {
  return {
    id,
    labels,
    image: "",
    runtime: { name: runtime },
    spec: SPEC,
    snapshotter: "",
    snapshotKey: "",
    extensions: new Map(),
    sandbox: "",
  };
}

/** What travels over ttrpc for this payload. */
const ttrpcRequest = (payload: Buffer): Buffer =>
  Buffer.from(
    TtrpcRequest.encode(
      TtrpcRequest.fromPartial({ service: "containerd.services.events.ttrpc.v1.Events", method: "Forward", payload }),
    ).finish(),
  );

function callGrpc(client: Client, path: string, request: Buffer, namespace: string): Promise<string> {
  const metadata = new Metadata();
  metadata.set("containerd-namespace", namespace);
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, pass, pass, request, metadata, (error: ServiceError | null) =>
      resolve(error === null ? "OK" : `${error.code}: ${error.details}`),
    );
  });
}
