// namespaces.v1 over a NamespaceStore. No header needed: the namespace is named in the request.
// @source containerd plugins/services/namespaces

import { defineService } from "../../api/core/handler.js";
import type { NamespaceStore } from "../../api/core/namespace.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import {
  CreateNamespaceResponse,
  GetNamespaceResponse,
  ListNamespacesResponse,
  NamespacesService,
  UpdateNamespaceResponse,
} from "../../api/gen/services/namespaces/v1/namespace.js";
import { fromNamespaceMessage, toNamespaceMessage } from "./convert.js";

export const defineNamespacesService = ({ namespaces }: { readonly namespaces: NamespaceStore }) =>
  defineService(NamespacesService, {
    get: async (request, ctx) =>
      GetNamespaceResponse.fromPartial({ namespace: toNamespaceMessage(await namespaces.get(ctx, request.name)) }),

    // The filter is read by nobody, here as in containerd.
    list: async (_request, ctx) =>
      ListNamespacesResponse.fromPartial({ namespaces: (await namespaces.list(ctx)).map(toNamespaceMessage) }),

    create: async (request, ctx) => {
      await namespaces.create(ctx, fromNamespaceMessage(request.namespace));
      // The reply repeats the request, labels with empty values included.
      return CreateNamespaceResponse.fromPartial({ namespace: request.namespace });
    },

    update: async (request, ctx) => {
      await namespaces.update(ctx, fromNamespaceMessage(request.namespace), request.updateMask);
      return UpdateNamespaceResponse.fromPartial({});
    },

    delete: async (request, ctx) => {
      await namespaces.delete(ctx, request.name);
      return Empty.fromPartial({});
    },
  });
