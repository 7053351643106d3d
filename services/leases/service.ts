// leases.v1 over a LeaseStore.
// @source containerd plugins/services/leases
import { requireNamespace } from "../../api/core/context.js";
import { defineService } from "../../api/core/handler.js";
import type { LeaseStore } from "../../api/core/lease.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import {
  CreateResponse,
  LeasesService,
  ListResourcesResponse,
  ListResponse,
} from "../../api/gen/services/leases/v1/leases.js";
import { toRecord } from "../maps.js";
import { fromResourceMessage, toLeaseMessage } from "./convert.js";

export const defineLeasesService = ({ leases }: { readonly leases: LeaseStore }) =>
  defineService(LeasesService, {
    create: async (request, ctx) => {
      const lease = await leases.create(ctx, { id: request.id, labels: toRecord(request.labels) });
      return CreateResponse.fromPartial({ lease: toLeaseMessage(lease) });
    },

    delete: async (request, ctx) => {
      await leases.delete(ctx, request.id, { sync: request.sync });
      return Empty.fromPartial({});
    },

    list: async (request, ctx) =>
      ListResponse.fromPartial({ leases: (await leases.list(ctx, request.filters)).map(toLeaseMessage) }),

    addResource: async (request, ctx) => {
      requireNamespace(ctx);
      await leases.addResource(ctx, request.id, fromResourceMessage(request.resource));
      return Empty.fromPartial({});
    },

    deleteResource: async (request, ctx) => {
      requireNamespace(ctx);
      await leases.deleteResource(ctx, request.id, fromResourceMessage(request.resource));
      return Empty.fromPartial({});
    },

    listResources: async (request, ctx) =>
      ListResourcesResponse.fromPartial({ resources: [...(await leases.listResources(ctx, request.id))] }),
  });
