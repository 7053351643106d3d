// A listener of the Tremplin service on a socket of a test's own, as a stranger would write it: it writes down what it is told.
import { type handleUnaryCall, Server, ServerCredentials, type ServiceError, status } from "@grpc/grpc-js";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type EmptyMessage, TremplinListenerService } from "../../api/gen/vm_tools/tremplin.js";
import { until } from "./until.js";

type Methods = typeof TremplinListenerService;
export type ToldMethod = keyof Methods;
type MessageOf<M extends ToldMethod> = ReturnType<Methods[M]["requestDeserialize"]>;

/** One callback. */
export type Told = {
  [M in ToldMethod]: { readonly method: M; readonly message: MessageOf<M>; readonly atMs: number };
}[ToldMethod];

export interface TestListener {
  /** `unix:/path` */
  readonly address: string;
  /** All callbacks so far, in order. */
  readonly told: readonly Told[];
  /** The messages of one method so far, in order. */
  of<M extends ToldMethod>(method: M): MessageOf<M>[];
  /** The first message of a method that is as wanted, told already or to come. @throws after `timeoutMs` (30 s) with what was told. */
  until<M extends ToldMethod>(
    method: M,
    isWanted?: (message: MessageOf<M>) => boolean,
    timeoutMs?: number,
  ): Promise<MessageOf<M>>;
  /** Forgets what was told. */
  clear(): void;
  /** What it is told is refused from now on, or taken again. */
  refuse(isRefusing: boolean): void;
}

const WAIT_MS = 30_000;

/** Starts it; it ends with the scope. */
export async function startTestListener(scope: DisposeScope, path: string): Promise<TestListener> {
  let told: Told[] = [];
  let isRefusing = false;
  const server = new Server();
  const answer =
    (method: string): handleUnaryCall<unknown, EmptyMessage> =>
    (call, done) => {
      // The service's definition pairs the two.
      told.push({ method, message: call.request, atMs: performance.now() } as Told);
      if (isRefusing) done({ code: status.FAILED_PRECONDITION, details: "not wanted" } as ServiceError);
      else done(null, {});
    };
  const methods = Object.keys(TremplinListenerService);
  server.addService(TremplinListenerService, Object.fromEntries(methods.map((name) => [name, answer(name)])));
  const address = `unix:${path}`;
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  scope.defer(() => server.forceShutdown());
  const of = <M extends ToldMethod>(method: M): MessageOf<M>[] =>
    told.filter((each) => each.method === method).map(({ message }) => message as MessageOf<M>); // by its method
  return {
    address,
    get told() {
      return told;
    },
    of,
    until: async (method, isWanted = () => true, timeoutMs = WAIT_MS) => {
      try {
        return await until(`callback ${method}`, () => of(method).find(isWanted), timeoutMs);
      } catch (error) {
        const soFar = told.map((each) => `${each.method} ${JSON.stringify(each.message, bigintText)}`).join("\n");
        throw new Error(`no such ${method}; told so far:\n${soFar}`, { cause: error });
      }
    },
    clear: () => {
      told = [];
    },
    refuse: (refuses) => {
      isRefusing = refuses;
    },
  };
}

const bigintText = (_: string, value: unknown): unknown => {
  if (typeof value === "bigint") return `${value}`;
  return value instanceof Map ? Object.fromEntries(value) : value;
};
