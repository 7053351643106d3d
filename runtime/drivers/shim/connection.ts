// The connection to a shim on behalf of one task: the task service in the version that the shim serves, and the knowledge
// whether anybody is still there.
import type { Logger } from "../../../api/core/log.js";
import type { TaskService } from "../../../api/gen/runtime/task/v2/shim.js";
import { type CallOptions, connectTtrpc, type TtrpcClient, type UnaryMethod } from "../../ttrpc/client.js";
import { taskApi } from "../../ttrpc/task-api.js";
import type { ShimAddress } from "./bootstrap.js";

/** A connection as a task has it, whether others share it or not. */
export interface TaskConnection extends AsyncDisposable {
  readonly address: ShimAddress;
  readonly methods: typeof TaskService;
  /** Resolves when the connection has ended, from whichever side. */
  readonly closed: Promise<void>;
  readonly isClosed: boolean;
  /** One call; see TtrpcClient for how it fails. */
  call<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, options: CallOptions): Promise<Res>;
  /** Waits for the end of the connection, which is that of the shim unless we let go first. @returns whether it has come. */
  endsWithin(timeoutMs: number): Promise<boolean>;
}

export class ShimConnection implements TaskConnection {
  readonly address: ShimAddress;
  readonly methods: typeof TaskService;
  readonly closed: Promise<void>;
  readonly #client: TtrpcClient;
  #isClosed = false;

  private constructor(address: ShimAddress, client: TtrpcClient) {
    this.address = address;
    this.methods = taskApi(address.version);
    this.#client = client;
    this.closed = client.closed.then(() => {
      this.#isClosed = true;
    });
  }

  /** @throws unavailable when nobody answers there in time. */
  static async open(address: ShimAddress, log: Logger, connectTimeoutMs: number): Promise<ShimConnection> {
    return new ShimConnection(address, await connectTtrpc(address.address, { log, connectTimeoutMs }));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  call<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, options: CallOptions): Promise<Res> {
    return this.#client.call(method, request, options);
  }

  async endsWithin(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.closed, expired]);
    clearTimeout(timer);
    return this.#isClosed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}
