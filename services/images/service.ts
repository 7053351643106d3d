// images.v1 over an ImageStore.
// @source containerd plugins/services/images
import { defineService } from "../../api/core/handler.js";
import type { ImageStore } from "../../api/core/image.js";
import { fromDescriptorMessage, toImageMessage } from "../../api/core/image-message.js";
import { fromTimestamp } from "../../api/core/time.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import {
  CreateImageResponse,
  GetImageResponse,
  ImagesService,
  ListImagesResponse,
  UpdateImageResponse,
} from "../../api/gen/services/images/v1/images.js";
import { fromImageMessage } from "./convert.js";

export const defineImagesService = ({ images }: { readonly images: ImageStore }) =>
  defineService(ImagesService, {
    get: async (request, ctx) =>
      GetImageResponse.fromPartial({ image: toImageMessage(await images.get(ctx, request.name)) }),

    list: async (request, ctx) =>
      ListImagesResponse.fromPartial({ images: (await images.list(ctx, request.filters)).map(toImageMessage) }),

    create: async (request, ctx) => {
      const createdAtNs = fromTimestamp(request.sourceDateEpoch);
      const options = createdAtNs === undefined ? {} : { createdAtNs };
      const image = await images.create(ctx, fromImageMessage(request.image), options);
      return CreateImageResponse.fromPartial({ image: toImageMessage(image) });
    },

    update: async (request, ctx) => {
      const updatedAtNs = fromTimestamp(request.sourceDateEpoch);
      const options = updatedAtNs === undefined ? {} : { updatedAtNs };
      const image = await images.update(ctx, fromImageMessage(request.image), request.updateMask ?? [], options);
      return UpdateImageResponse.fromPartial({ image: toImageMessage(image) });
    },

    delete: async (request, ctx) => {
      const { name, sync, target } = request;
      const options = target === undefined ? { sync } : { sync, target: fromDescriptorMessage(target) };
      await images.delete(ctx, name, options);
      return Empty.fromPartial({});
    },
  });
