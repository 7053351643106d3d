// containers.v1 over a ContainerStore that keeps each record as it goes over the wire: reads pass those bytes on.
// @source containerd plugins/services/containers/{service,local,helpers}.go
import type { ContainerStore } from "../../api/core/container.js";
import { toContainerMessage } from "../../api/core/container-message.js";
import type { RequestContext } from "../../api/core/context.js";
import { Encoded, encodeField, encodeFieldHeader } from "../../api/core/encoded.js";
import { ContainerdError } from "../../api/core/errors.js";
import { defineService } from "../../api/core/handler.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import {
  ContainersService,
  CreateContainerResponse,
  type GetContainerResponse,
  type ListContainerMessage,
  type ListContainersResponse,
  UpdateContainerResponse,
} from "../../api/gen/services/containers/v1/containers.js";
import { fromContainerMessage } from "./convert.js";

/** A ContainerStore that can also answer with encoded `containerd.services.containers.v1.Container` messages. */
export interface EncodedContainerStore extends ContainerStore {
  getEncoded(ctx: RequestContext, id: string): Promise<Uint8Array>;
  /** In pages, in the order of `list`. */
  streamEncoded(ctx: RequestContext, filters: readonly string[]): AsyncIterable<readonly Uint8Array[]>;
}

export interface ContainersServiceDeps {
  readonly containers: EncodedContainerStore;
  /** Size in bytes of the largest reply. */
  readonly maxMessageBytes: number;
}

/** The field that holds the container, in each of the three replies. */
const CONTAINER_FIELD = 1;

export const defineContainersService = ({ containers, maxMessageBytes }: ContainersServiceDeps) =>
  defineService(ContainersService, {
    get: async (request, ctx) =>
      new Encoded<GetContainerResponse>(encodeField(CONTAINER_FIELD, await containers.getEncoded(ctx, request.id))),

    list: async (request, ctx) => {
      const parts: Uint8Array[] = [];
      let sizeBytes = 0;
      for await (const page of containers.streamEncoded(ctx, request.filters)) {
        for (const container of page) {
          // Joined once, at the end: a copy for each container would double what a long list costs.
          const header = encodeFieldHeader(CONTAINER_FIELD, container.length);
          sizeBytes += header.length + container.length;
          parts.push(header, container);
        }
        // Told as soon as it is certain, so that no list is held in memory that cannot be sent.
        if (sizeBytes > maxMessageBytes) throw tooLarge(sizeBytes, maxMessageBytes);
      }
      return new Encoded<ListContainersResponse>(Buffer.concat(parts, sizeBytes));
    },

    async *listStream(request, ctx) {
      for await (const page of containers.streamEncoded(ctx, request.filters)) {
        for (const container of page) yield new Encoded<ListContainerMessage>(encodeField(CONTAINER_FIELD, container));
      }
    },

    create: async (request, ctx) => {
      const container = await containers.create(ctx, fromContainerMessage(request.container));
      return CreateContainerResponse.fromPartial({ container: toContainerMessage(container) });
    },

    update: async (request, ctx) => {
      const update = fromContainerMessage(request.container);
      if (update.id === "") throw new ContainerdError("invalid_argument", "Container.ID required");
      const container = await containers.update(ctx, update, request.updateMask);
      return UpdateContainerResponse.fromPartial({ container: toContainerMessage(container) });
    },

    delete: async (request, ctx) => {
      await containers.delete(ctx, request.id);
      return Empty.fromPartial({});
    },
  });

const tooLarge = (sizeBytes: number, maxBytes: number): ContainerdError =>
  new ContainerdError(
    "resource_exhausted",
    `grpc: trying to send message larger than max (${sizeBytes} vs. ${maxBytes}); ListStream has no such limit`,
  );
