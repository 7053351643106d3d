// content.v1 over a ContentStore.
// @source containerd plugins/services/content/contentserver/contentserver.go
import type { ContentStore } from "../../api/core/content.js";
import { Encoded, encodeField } from "../../api/core/encoded.js";
import { defineService } from "../../api/core/handler.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import {
  ContentService,
  InfoResponse,
  ListContentResponse,
  ListStatusesResponse,
  ReadContentResponse,
  StatusResponse,
  UpdateResponse,
} from "../../api/gen/services/content/v1/content.js";
import { fromInfoMessage, toBytes, toInfoMessage, toStatusMessage } from "./convert.js";
import { answerWrites } from "./write.js";

/** Of ReadContentResponse. */
const DATA_FIELD = 2;

export const defineContentService = ({ content }: { readonly content: ContentStore }) =>
  defineService(ContentService, {
    info: async ({ digest }, ctx) => InfoResponse.fromPartial({ info: toInfoMessage(await content.info(ctx, digest)) }),

    update: async ({ info, updateMask }, ctx) => {
      const updated = await content.update(ctx, fromInfoMessage(info), updateMask);
      return UpdateResponse.fromPartial({ info: toInfoMessage(updated) });
    },

    async *list({ filters }, ctx) {
      for await (const page of content.list(ctx, filters)) {
        yield ListContentResponse.fromPartial({ info: page.map(toInfoMessage) });
      }
    },

    delete: async ({ digest }, ctx) => {
      await content.delete(ctx, digest);
      return Empty.fromPartial({});
    },

    async *read({ digest, offset, size }, ctx) {
      let sent = 0;
      const wanted = { offsetBytes: toBytes(offset), sizeBytes: toBytes(size), signal: ctx.signal };
      for await (const chunk of content.read(ctx, digest, wanted)) {
        // Counted from the beginning of this reply, wherever in the blob that is. The bytes go out as they came from the disk.
        const head = ReadContentResponse.encode(ReadContentResponse.fromPartial({ offset: BigInt(sent) })).finish();
        yield new Encoded<ReadContentResponse>([head, ...encodeField(DATA_FIELD, chunk)]);
        sent += chunk.length;
      }
    },

    status: async ({ ref }, ctx) =>
      StatusResponse.fromPartial({ status: toStatusMessage(await content.status(ctx, ref)) }),

    listStatuses: async ({ filters }, ctx) =>
      ListStatusesResponse.fromPartial({
        statuses: (await content.listStatuses(ctx, filters)).map(toStatusMessage),
      }),

    write: (requests, ctx) => answerWrites(content, requests, ctx),

    abort: async ({ ref }, ctx) => {
      await content.abort(ctx, ref);
      return Empty.fromPartial({});
    },
  });
