// containers.v1 over a ContainerStore that keeps each record as it goes over the wire: reads pass those bytes on.
// @source containerd plugins/services/containers/{service,local,helpers}.go
import type { ContainerStore, ContainerUpdate, NewContainer } from "../../api/core/container.js";
import type { RequestContext } from "../../api/core/context.js";
import { Encoded, EncodedBatch, encodeField } from "../../api/core/encoded.js";
import { ContainerdError } from "../../api/core/errors.js";
import { defineService } from "../../api/core/handler.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import {
  ContainersService,
  type CreateContainerResponse,
  type GetContainerResponse,
  type ListContainerMessage,
  type ListContainersResponse,
  type UpdateContainerResponse,
} from "../../api/gen/services/containers/v1/containers.js";
import { fromContainerMessage } from "./convert.js";

/** A ContainerStore that can also answer with encoded `containerd.services.containers.v1.Container` messages. */
export interface EncodedContainerStore extends ContainerStore {
  getEncoded(ctx: RequestContext, id: string): Promise<Uint8Array>;
  createEncoded(ctx: RequestContext, container: NewContainer): Promise<Uint8Array>;
  updateEncoded(ctx: RequestContext, container: ContainerUpdate, paths?: readonly string[]): Promise<Uint8Array>;
  /** In pages, in the order of `list`. */
  streamEncoded(ctx: RequestContext, filters: readonly string[]): AsyncIterable<readonly Uint8Array[]>;
}

export interface ContainersServiceDeps {
  readonly containers: EncodedContainerStore;
  /** Size in bytes of the largest reply. */
  readonly maxMessageBytes: number;
}

/** The field that holds the container, or each of them, in every reply. */
const CONTAINER_FIELD = 1;

export const defineContainersService = ({ containers, maxMessageBytes }: ContainersServiceDeps) =>
  defineService(ContainersService, {
    get: async (request, ctx) =>
      new Encoded<GetContainerResponse>(encodeField(CONTAINER_FIELD, await containers.getEncoded(ctx, request.id))),

    list: async (request, ctx) => {
      const pieces: Uint8Array[] = [];
      let sizeBytes = 0;
      for await (const page of containers.streamEncoded(ctx, request.filters)) {
        for (const container of page) {
          // Joined by the adapter: a copy for each container would double what a long list costs.
          for (const piece of encodeField(CONTAINER_FIELD, container)) {
            sizeBytes += piece.length;
            pieces.push(piece);
          }
        }
        // Told as soon as it is certain, so that no list is held in memory that cannot be sent.
        if (sizeBytes > maxMessageBytes) throw tooLarge(sizeBytes, maxMessageBytes);
      }
      return new Encoded<ListContainersResponse>(pieces);
    },

    async *listStream(request, ctx) {
      for await (const page of containers.streamEncoded(ctx, request.filters)) {
        yield new EncodedBatch(
          page.map((container) => new Encoded<ListContainerMessage>(encodeField(CONTAINER_FIELD, container))),
        );
      }
    },

    create: async (request, ctx) => {
      const container = fromContainerMessage(request.container);
      const created = await containers.createEncoded(ctx, container);
      return new Encoded<CreateContainerResponse>(encodeField(CONTAINER_FIELD, created));
    },

    update: async (request, ctx) => {
      const update = fromContainerMessage(request.container);
      if (update.id === "") throw new ContainerdError("invalid_argument", "Container.ID required");
      const updated = await containers.updateEncoded(ctx, update, request.updateMask);
      return new Encoded<UpdateContainerResponse>(encodeField(CONTAINER_FIELD, updated));
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
