// The services without a wire: finds the handler behind a method's path, and stops in order, as the server on the socket does.

import type { RequestContext } from "../../api/core/context.js";
import { ContainerdError } from "../../api/core/errors.js";
import type { MethodDefinition, Service } from "../../api/core/handler.js";
import type { Logger } from "../../api/core/log.js";
import { OpenCalls } from "../open-calls.js";

export interface LocalServerOptions {
  readonly services: readonly Service[];
  readonly log: Logger;
  /** How long calls may take to finish when the server stops, in milliseconds. */
  readonly stopDeadlineMs: number;
}

/** A method as any caller sees it. */
export interface LocalMethod {
  readonly definition: MethodDefinition;
  readonly handler: (request: unknown, ctx: RequestContext) => unknown;
  /** Whether it waits for something to happen; streams do. */
  readonly waits: boolean;
}

/** Answers until disposed: calls that wait are ended then, others may finish, and new ones are refused as unavailable. */
export class LocalServer implements AsyncDisposable {
  readonly log: Logger;
  readonly calls = new OpenCalls();
  readonly #methods = new Map<string, LocalMethod>();
  readonly #stopDeadlineMs: number;

  constructor({ services, log, stopDeadlineMs }: LocalServerOptions) {
    this.log = log;
    this.#stopDeadlineMs = stopDeadlineMs;
    for (const service of services) {
      for (const [name, definition] of Object.entries(service.definition)) {
        // The mapped type ties each handler to its messages; here any of them may come.
        const handler = service.handlers[name] as LocalMethod["handler"];
        const waits = definition.responseStream || service.waits?.includes(name) === true;
        this.#methods.set(definition.path, { definition, handler, waits });
      }
    }
  }

  /** @throws not_implemented, in the words of a gRPC server. */
  method(path: string): LocalMethod {
    const method = this.#methods.get(path);
    if (method !== undefined) return method;
    throw new ContainerdError("not_implemented", `The server does not implement the method ${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.calls.end(this.#stopDeadlineMs);
  }
}
