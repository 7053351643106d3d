// What a wrong call is, and what the calls find on either daemon.
import { call, headers, type RawClients } from "../../helpers/grpc.js";

/** What the calls find: container `idle` without a task, container `busy` with a running one that has an exec `held`. */
export interface World {
  readonly clients: RawClients;
  readonly namespace: string;
}

export interface Refusal {
  readonly code: number;
  readonly message: string;
}

export interface WrongCall {
  readonly name: string;
  readonly make: (world: World) => Promise<unknown>;
  /** What berthd answers instead, and why. */
  readonly difference?: { readonly why: string; readonly answer: Refusal };
}

/** gRPC codes that rows name themselves. */
export const INVALID_ARGUMENT = 3;
export const UNIMPLEMENTED = 12;

/** An Any of a document in JSON. */
export const json = (typeUrl: string, value: unknown) => ({ typeUrl, value: Buffer.from(JSON.stringify(value)) });

/** A process without any stdio. */
export const stdio = { stdin: "", stdout: "", stderr: "", terminal: false };

const processSpec = json("types.containerd.io/opencontainers/runtime-spec/1/Process", {
  args: ["/bin/true"],
  cwd: "/",
});

/** The call that adds an exec. */
export function exec(containerId: string, execId: string, more: object = { spec: processSpec }): WrongCall["make"] {
  const request = { ...stdio, containerId, execId, ...more };
  return ({ clients: { tasks }, namespace }) => call(tasks, tasks.exec, request, headers(namespace));
}
