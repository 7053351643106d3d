// From the name in a request to the handler behind it, and from its reply back to bytes.

import type { RequestContext } from "../../api/core/context.js";
import { Encoded } from "../../api/core/encoded.js";
import { ContainerdError } from "../../api/core/errors.js";
import type { MethodDefinition, ServiceDefinition } from "../../api/core/handler.js";
import type { Request } from "../../api/gen/ttrpc/request.js";

/** A service made by `defineService`; this form takes those with streams as well. */
export interface ServedService {
  readonly definition: ServiceDefinition;
  // biome-ignore lint/suspicious/noExplicitAny: each handler is typed by its own messages, which the wire tells apart
  readonly handlers: Readonly<Record<string, (request: any, ctx: RequestContext) => unknown>>;
}

/** One RPC with its handler bound. */
export interface Route {
  readonly path: string;
  readonly responseStream: boolean;
  /** Answers with one message, or with an iterable of them where the server streams. @throws internal for an undecodable payload. */
  invoke(payload: Buffer, ctx: RequestContext): unknown;
  /** The bytes of one message. */
  serialize(message: unknown): Uint8Array;
}

/** The table of everything served. */
export class Router {
  readonly #services = new Map<string, Map<string, Route>>();

  constructor(services: readonly ServedService[]) {
    for (const service of services) {
      for (const [key, definition] of Object.entries(service.definition)) {
        const [, serviceName = "", methodName = ""] = definition.path.split("/");
        const methods = this.#services.get(serviceName) ?? new Map<string, Route>();
        this.#services.set(serviceName, methods);
        const handler = service.handlers[key];
        // Nobody streams to a ttrpc server of ours; such a method is as good as absent.
        if (handler !== undefined && !definition.requestStream) methods.set(methodName, routeOf(definition, handler));
      }
    }
  }

  /** @throws not_implemented, in the words of Go's server. */
  find(request: Pick<Request, "service" | "method">): Route {
    const methods = this.#services.get(request.service);
    if (methods === undefined) throw new ContainerdError("not_implemented", `service ${request.service}`);
    const route = methods.get(request.method);
    if (route === undefined) throw new ContainerdError("not_implemented", `method ${request.method}`);
    return route;
  }
}

function routeOf(definition: MethodDefinition, handler: ServedService["handlers"][string]): Route {
  return {
    path: definition.path,
    responseStream: definition.responseStream,
    invoke(payload, ctx) {
      let message: unknown;
      try {
        message = definition.requestDeserialize(payload);
      } catch (error) {
        throw new ContainerdError("internal", `ttrpc: error unmarshalling payload: ${String(error)}`, { cause: error });
      }
      return handler(message, ctx);
    },
    serialize: (message) => (message instanceof Encoded ? message.bytes : definition.responseSerialize(message)),
  };
}
