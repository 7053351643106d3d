// The listener: a server elsewhere that is told how things go on. It is dialled when there is something to tell.
import { resolve } from "node:path";
import { credentials, Metadata } from "@grpc/grpc-js";
import { fromServiceError } from "../../api/client/errors.js";
import { errorOf, invalidArgument, wrapError } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import {
  ContainerCreationProgress,
  ContainerDeletionProgress,
  ContainerExportProgress,
  ContainerImportProgress,
  ContainerShutdownInfo,
  ContainerStartProgress,
  ContainerStopProgress,
  type EmptyMessage,
  ListeningPortInfo,
  StartLxdProgress,
  TremplinListenerClient,
  TremplinStartupInfo,
  UpgradeContainerProgress,
} from "../../api/gen/vm_tools/tremplin.js";

const DEADLINE_MS = 5_000;

/** What each method carries. */
interface ListenerMessages {
  readonly tremplinReady: TremplinStartupInfo;
  readonly updateStartLxdStatus: StartLxdProgress;
  readonly updateCreateStatus: ContainerCreationProgress;
  readonly updateDeletionStatus: ContainerDeletionProgress;
  readonly updateStartStatus: ContainerStartProgress;
  readonly updateStopStatus: ContainerStopProgress;
  readonly updateExportStatus: ContainerExportProgress;
  readonly updateImportStatus: ContainerImportProgress;
  readonly containerShutdown: ContainerShutdownInfo;
  readonly updateListeningPorts: ListeningPortInfo;
  readonly upgradeContainerStatus: UpgradeContainerProgress;
}

const MESSAGES = {
  tremplinReady: TremplinStartupInfo,
  updateStartLxdStatus: StartLxdProgress,
  updateCreateStatus: ContainerCreationProgress,
  updateDeletionStatus: ContainerDeletionProgress,
  updateStartStatus: ContainerStartProgress,
  updateStopStatus: ContainerStopProgress,
  updateExportStatus: ContainerExportProgress,
  updateImportStatus: ContainerImportProgress,
  containerShutdown: ContainerShutdownInfo,
  updateListeningPorts: ListeningPortInfo,
  upgradeContainerStatus: UpgradeContainerProgress,
} as const;

export type ListenerMethod = keyof ListenerMessages;
/** Of a method's message what matters. */
export type ListenerNews<M extends ListenerMethod> = Partial<ListenerMessages[M]>;

/** Calls go out one after another, in the order in which they were asked for. */
export interface Listener {
  /** @throws unavailable or deadline_exceeded after 5 s; what the listener answers. */
  call<M extends ListenerMethod>(method: M, news: ListenerNews<M>): Promise<void>;
  /** The same for what goes on in any case: a failure is logged. */
  tell<M extends ListenerMethod>(method: M, news: ListenerNews<M>): Promise<void>;
}

export interface ListenerOptions {
  /** `unix:PATH` or `HOST:PORT`. */
  readonly address: string;
  readonly log: Logger;
}

/** Dials nobody yet. Disposing it ends the calls under way. @throws invalid_argument for a malformed address. */
export function openListener({ address, log }: ListenerOptions): Listener & AsyncDisposable {
  const client = new TremplinListenerClient(listenerTarget(address), credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
  });
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  const send = async (method: ListenerMethod, bytes: Buffer): Promise<void> => {
    const { path, responseDeserialize } = TremplinListenerClient.service[method];
    if (isClosed) throw errorOf("cancelled", `listener at ${address}: ${method}`);
    await new Promise<void>((done, fail) => {
      client.makeUnaryRequest<Buffer, EmptyMessage>(
        path,
        (encoded) => encoded,
        responseDeserialize,
        bytes,
        new Metadata({ waitForReady: true }),
        { deadline: Date.now() + DEADLINE_MS },
        (error) => {
          if (error === null) done();
          else fail(wrapError(`listener at ${address}: ${method}`, fromServiceError(error, address, undefined)));
        },
      );
    });
  };
  const call: Listener["call"] = (method, news) => {
    const bytes = encode(method, news);
    const sent = last.then(() => send(method, bytes));
    last = sent.catch(() => undefined);
    return sent;
  };
  return {
    call,
    tell: async (method, news) => {
      await call(method, news).catch((err: unknown) => {
        if (!isClosed) log.warn({ method, err }, "the listener was not reached");
      });
    },
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
      client.close();
      await last;
    },
  };
}

/** At once: what the caller does with the message afterwards is his business. */
function encode<M extends ListenerMethod>(method: M, news: ListenerNews<M>): Buffer {
  // The table pairs each method with its message; TypeScript cannot follow that through the index.
  const type = MESSAGES[method] as unknown as {
    fromPartial(news: ListenerNews<M>): unknown;
    encode(message: unknown): { finish(): Uint8Array };
  };
  return Buffer.from(type.encode(type.fromPartial(news)).finish());
}

/** @throws invalid_argument */
function listenerTarget(address: string): string {
  const [, path] = /^unix:(?:\/\/)?(.+)$/.exec(address) ?? [];
  if (path !== undefined) return `unix:${resolve(path)}`;
  if (/^[^/\s]+:\d{1,5}$/.test(address)) return `dns:${address}`;
  throw invalidArgument(`the listener's address is unix:PATH or HOST:PORT, not ${JSON.stringify(address)}`);
}
