// The store of images. A row keeps the encoded message beside the columns that queries, the collector and people read.
// @source containerd core/metadata/images.go
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import { alreadyExists, ContainerdError, notFound } from "../api/core/errors.js";
import type { Image, ImageStore } from "../api/core/image.js";
import { decodeImage, encodeImage } from "../api/core/image-message.js";
import { quote } from "../api/core/quote.js";
import { toTimestamp } from "../api/core/time.js";
import { imageCreated, imageDeleted, imageUpdated } from "./change-events.js";
import type { Database } from "./db.js";
import { imageMatcher } from "./image-filter.js";
import { updatedImage, validImage } from "./image-update.js";
import { addToLease, removeFromLease } from "./lease-header.js";
import type { Reader } from "./statements.js";
import type { Transaction } from "./transaction.js";

const GET = "SELECT record FROM images WHERE namespace = ? AND name = ?";
const LIST = "SELECT record FROM images WHERE namespace = ? ORDER BY name";
const INSERT = `INSERT INTO images (namespace, name, target_digest, target_media_type,
    created_seconds, created_nanos, updated_seconds, updated_nanos, revision, record)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE = `UPDATE images SET target_digest = ?, target_media_type = ?, updated_seconds = ?, updated_nanos = ?,
    revision = ?, record = ?
  WHERE namespace = ? AND name = ?`;
const DELETE = "DELETE FROM images WHERE namespace = ? AND name = ?";
const DELETE_LABELS = "DELETE FROM image_labels WHERE namespace = ? AND name = ?";
const INSERT_LABEL = "INSERT INTO image_labels (namespace, name, key, value) VALUES (?, ?, ?, ?)";

const EXPIRE = "containerd.io/gc.expire";
const RESOURCE = "images";

/** What the image store needs beside its tables. */
export interface ImageStoreDeps {
  /** Resolves when a run of the collector that starts after this call is over. */
  readonly collect: (signal: AbortSignal | undefined) => Promise<unknown>;
}

const readImage = (reader: Reader, namespace: string, name: string): Image | undefined => {
  const row = reader.get<{ record: Uint8Array }>(GET, namespace, name);
  return row && decodeImage(row.record);
};

/** An image that can expire needs its maker's lease like content does; any other is a root itself. */
function holdIfExpiring(tx: Transaction, ctx: RequestContext, namespace: string, image: Image): void {
  if (Object.hasOwn(image.labels, EXPIRE)) addToLease(tx, ctx, namespace, { type: RESOURCE, id: image.name });
}

function writeLabels(tx: Transaction, namespace: string, { name, labels }: Image): void {
  for (const [key, value] of Object.entries(labels)) tx.run(INSERT_LABEL, namespace, name, key, value);
}

/** A name of any form, but one there must be. @throws invalid_argument. */
function requireName(name: string): void {
  if (name === "") throw new ContainerdError("invalid_argument", "Image.Name required");
}

/** The image store of a database. */
export function createImageStore(db: Database, { collect }: ImageStoreDeps): ImageStore {
  return {
    async get(ctx, name) {
      const namespace = requireNamespace(ctx);
      const image = db.view((reader) => readImage(reader, namespace, name));
      if (image === undefined) throw notFound(`image ${quote(name)}`);
      return image;
    },

    async list(ctx, filters = []) {
      const namespace = requireNamespace(ctx);
      const matches = imageMatcher(filters);
      const rows = db.view((reader) => reader.all<{ record: Uint8Array }>(LIST, namespace));
      return rows.map(({ record }) => decodeImage(record)).filter(matches);
    },

    async create(ctx, request, { createdAtNs } = {}) {
      requireName(request.name);
      const namespace = requireNamespace(ctx);
      const content = validImage({ name: request.name, labels: request.labels ?? {}, target: request.target });
      return db.update((tx) => {
        if (readImage(tx, namespace, request.name) !== undefined) throw alreadyExists(`image ${quote(request.name)}`);
        const timeNs = createdAtNs ?? tx.nowNs;
        const image = { ...content, createdAtNs: timeNs, updatedAtNs: timeNs };
        const { seconds, nanos } = toTimestamp(timeNs);
        const { digest, mediaType } = image.target;
        const times = [seconds, nanos, seconds, nanos];
        tx.touchNamespace(namespace);
        tx.run(INSERT, namespace, image.name, digest, mediaType, ...times, tx.revision, encodeImage(image));
        writeLabels(tx, namespace, image);
        holdIfExpiring(tx, ctx, namespace, image);
        tx.publish(namespace, "/images/create", imageCreated(image));
        return image;
      });
    },

    async update(ctx, request, paths = [], { updatedAtNs } = {}) {
      requireName(request.name);
      const namespace = requireNamespace(ctx);
      return db.update((tx) => {
        const current = readImage(tx, namespace, request.name);
        if (current === undefined) throw notFound(`image ${quote(request.name)}`);
        const content = updatedImage(current, request, paths);
        const image = { ...content, createdAtNs: current.createdAtNs, updatedAtNs: updatedAtNs ?? tx.nowNs };
        const { seconds, nanos } = toTimestamp(image.updatedAtNs);
        const { digest, mediaType } = image.target;
        tx.run(UPDATE, digest, mediaType, seconds, nanos, tx.revision, encodeImage(image), namespace, image.name);
        tx.run(DELETE_LABELS, namespace, image.name);
        writeLabels(tx, namespace, image);
        holdIfExpiring(tx, ctx, namespace, image);
        tx.publish(namespace, "/images/update", imageUpdated(image));
        return image;
      });
    },

    async delete(ctx, name, { sync = false, target } = {}) {
      const namespace = requireNamespace(ctx);
      await db.update(
        (tx) => {
          const current = readImage(tx, namespace, name);
          if (current === undefined) throw notFound(`image ${quote(name)}`);
          const { digest } = current.target;
          if (target !== undefined && target.digest !== "" && target.digest !== digest) {
            throw notFound(`image ${quote(name)} has target ${digest}, not ${target.digest}`);
          }
          tx.run(DELETE, namespace, name);
          removeFromLease(tx, ctx, namespace, { type: RESOURCE, id: name });
          tx.noteGarbage();
          tx.publish(namespace, "/images/delete", imageDeleted(name));
        },
        { evenWhenFull: true },
      );
      if (sync) await collect(ctx.signal);
    },
  };
}
