// Listens to a daemon's events over a raw stream and tells them in a form that can be compared: topic, namespace and the decoded
// payload, with times, pids and places masked.
import type { ClientReadableStream } from "@grpc/grpc-js";
import type { DisposeScope } from "../../api/core/dispose.js";
import { ContainerCreate, ContainerDelete, ContainerUpdate } from "../../api/gen/events/container.js";
import { NamespaceCreate, NamespaceDelete, NamespaceUpdate } from "../../api/gen/events/namespace.js";
import {
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskOOM,
  TaskPaused,
  TaskResumed,
  TaskStart,
} from "../../api/gen/events/task.js";
import type { Envelope } from "../../api/gen/types/event.js";
import type { Engine } from "../helpers/engine.js";
import { call, headers, type RawClients } from "../helpers/grpc.js";
import { Hopeless, until } from "../helpers/until.js";
import { mask } from "./mask.js";

const CODECS: Readonly<Record<string, { decode(bytes: Uint8Array): unknown }>> = {
  "containerd.events.ContainerCreate": ContainerCreate,
  "containerd.events.ContainerUpdate": ContainerUpdate,
  "containerd.events.ContainerDelete": ContainerDelete,
  "containerd.events.NamespaceCreate": NamespaceCreate,
  "containerd.events.NamespaceUpdate": NamespaceUpdate,
  "containerd.events.NamespaceDelete": NamespaceDelete,
  "containerd.events.TaskCreate": TaskCreate,
  "containerd.events.TaskStart": TaskStart,
  "containerd.events.TaskExecAdded": TaskExecAdded,
  "containerd.events.TaskExecStarted": TaskExecStarted,
  "containerd.events.TaskExit": TaskExit,
  "containerd.events.TaskDelete": TaskDelete,
  "containerd.events.TaskOOM": TaskOOM,
  "containerd.events.TaskPaused": TaskPaused,
  "containerd.events.TaskResumed": TaskResumed,
};
const ZERO_SECONDS = "-62135596800";

/** JSON of a payload: maps sorted, pids and times masked (an unset time stays visible as "unset"), raw bytes as base64. */
function payload(envelope: Envelope): string {
  const { typeUrl = "", value = Buffer.alloc(0) } = envelope.event ?? {};
  const codec = CODECS[typeUrl];
  const content = codec === undefined ? { raw: Buffer.from(value).toString("base64") } : codec.decode(value);
  const text = JSON.stringify(content, (key, part: unknown) => {
    if (key === "_unknownFields") return undefined;
    if (key === "pid") return part === 0 ? "none" : "PID";
    if (key === "exitedAt" && typeof part === "object" && part !== null && "seconds" in part) {
      return String(part.seconds) === ZERO_SECONDS ? "unset" : "TIME";
    }
    if (part instanceof Map) return Object.fromEntries([...part].sort());
    if (part instanceof Uint8Array) return Buffer.from(part).toString("base64");
    return typeof part === "bigint" ? `${part}` : part;
  });
  return `${typeUrl} ${text}`;
}

export interface EventLog {
  /** One line for each event so far, of topics that begin with `prefix`. */
  lines(prefix: string): string[];
  /** Waits until the last event of a topic with the prefix is this one. */
  untilLast(prefix: string, line: RegExp): Promise<void>;
  readonly envelopes: readonly Envelope[];
}

const MARKER = "/test/listening";

/** Subscribes; resolves when the subscription is live. */
export async function listen(
  scope: DisposeScope,
  engine: Engine,
  clients: RawClients,
  namespace: string,
  filters: string[] = [],
): Promise<EventLog> {
  const all: Envelope[] = [];
  let live = false;
  const subscribed = filters.length === 0 ? [] : [...filters, `topic=="${MARKER}"`];
  const stream: ClientReadableStream<Envelope> = clients.events.subscribe({ filters: subscribed }, headers(undefined));
  stream.on("data", (envelope: Envelope) => {
    if (envelope.topic === MARKER) live = true;
    else all.push(envelope);
  });
  let failure: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    stream.on("error", (error) => {
      failure = error;
      resolve();
    });
    stream.on("end", () => resolve());
  });
  scope.defer(async () => {
    stream.cancel();
    await ended;
  });
  const event = { typeUrl: "test.Marker", value: Buffer.alloc(0) };
  await until("the subscription to be live", async () => {
    await call(clients.events, clients.events.publish, { topic: MARKER, event }, headers(namespace));
    if (failure !== undefined) throw new Hopeless("the subscription ended", { cause: failure });
    return live;
  });
  const places = { namespace, rootfs: "", stateDir: engine.stateDir, address: engine.address };
  const lines = (prefix: string): string[] =>
    all
      .filter(({ topic }) => topic.startsWith(prefix))
      .map((one) => mask(`${one.namespace} ${one.topic} ${payload(one)}`, places));
  return {
    lines,
    untilLast: async (prefix, line) => {
      await until(`an event ${line}`, () => line.test(lines(prefix).at(-1) ?? "")).catch((error: unknown) => {
        throw new Error(`events so far:\n${lines(prefix).join("\n")}`, { cause: error });
      });
    },
    envelopes: all,
  };
}
