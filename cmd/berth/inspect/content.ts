// Everything about a blob: its record, the images that stand for it, and what it says when it is a document.
import { readDocument } from "../../../api/client/distribution/manifest.js";
import { digestProblem } from "../../../api/core/digest.js";
import { type Inspector, ifThere, time } from "./inspector.js";

/** Manifests and configs are far smaller, and layers are no JSON. */
const MAX_DOCUMENT_BYTES = 1 << 20;

export const inspectContent: Inspector = async ({ client, request }, digest) => {
  if (digestProblem(digest) !== undefined) return undefined;
  const info = await ifThere(client.content.info(request, digest));
  if (info === undefined) return undefined;
  const images = await client.images.list(request, [`target.digest==${digest}`]);
  return {
    kind: "content",
    digest: info.digest,
    size: info.sizeBytes,
    labels: new Map(Object.entries(info.labels)),
    createdAt: time(info.createdAtNs),
    updatedAt: time(info.updatedAtNs),
    images: images.map(({ name }) => name),
    document:
      info.sizeBytes > MAX_DOCUMENT_BYTES ? undefined : parsed(await readDocument(client.content, request, digest)),
  };
};

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
