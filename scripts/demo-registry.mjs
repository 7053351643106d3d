// A registry for the tour: one image, read-only, on loopback, for as long as the tour takes.
import { once } from "node:events";
import { createServer } from "node:http";

/** @typedef {Awaited<ReturnType<typeof import("./demo-image.mjs").makeImage>>} Image */

/**
 * Serves an image under a name and tag.
 * @param {string} repository
 * @param {string} tag
 * @param {Image} image
 * @returns {Promise<{ readonly reference: string, close(): Promise<void> }>}
 */
export async function serveImage(repository, tag, { manifest, blobs }) {
  const server = createServer((request, response) => {
    const [, kind, key = ""] =
      new RegExp(`^/v2/${repository}/(manifests|blobs)/([^/]+)$`).exec(request.url ?? "") ?? [];
    const digest = kind === "manifests" && key === tag ? manifest : key;
    const blob = blobs.get(digest);
    if (request.url === "/v2/") {
      response.end("{}");
    } else if (kind === undefined || blob === undefined || !["GET", "HEAD"].includes(request.method ?? "")) {
      response.writeHead(404).end();
    } else {
      response.writeHead(200, {
        "content-type": kind === "manifests" ? blob.mediaType : "application/octet-stream",
        "content-length": blob.bytes.length,
        "docker-content-digest": digest,
      });
      response.end(request.method === "HEAD" ? undefined : blob.bytes);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    reference: `127.0.0.1:${port}/${repository}:${tag}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
