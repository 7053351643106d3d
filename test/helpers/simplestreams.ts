// An image server that LXD fetches from by the simplestreams protocol, over HTTPS on the loopback of LXD's box. The server itself is
// in the test, which can look at what is asked for and hold it back; a process in the box carries the bytes between port and socket.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import type { Box } from "./box.js";
import { type Certificates, makeCertificates } from "./certificates.js";
import type { ImageFiles } from "./lxd-image.js";
import { tempDir } from "./temp.js";

/** Connects each connection of a port of loopback to the unix socket in `argv[1]`, and tells the port. */
const CARRIER = `const net = require("net");
const server = net.createServer((outer) => {
  const inner = net.connect(process.argv[1]);
  outer.on("error", () => inner.destroy()).on("close", () => inner.destroy());
  inner.on("error", () => outer.destroy()).on("close", () => outer.destroy());
  outer.pipe(inner).pipe(outer);
});
server.listen(0, "127.0.0.1", () => console.log("port=" + server.address().port));`;

const INDEX = "/streams/v1/index.json";
const PRODUCTS = "/streams/v1/images.json";
const LIFETIME_MS = 3_600_000;
/** What is sent at a time of a file that is sent slowly. */
const CHUNK_BYTES = 256 * 1024;

/** PEM file of the authority that LXD has to trust: `SSL_CERT_FILE` of its environment. */
export const makeImageAuthority = (scope: DisposeScope): Promise<Certificates> => makeCertificates(scope);

export interface SimplestreamsOptions {
  readonly certificates: Certificates;
  readonly image: ImageFiles;
  /** Of the image. */
  readonly alias: string;
}

export interface Simplestreams {
  /** As a caller names it. */
  readonly url: string;
  /** Paths, in the order of their requests. */
  readonly seen: string[];
  /**
   * Called before each piece of the root file system is sent, with the share that has been, from 0 to 1. What it returns is waited
   * for. Default: nothing is waited for.
   */
  beforeChunk: (share: number) => Promise<void> | void;
}

/** Serves until the scope ends. */
export async function startSimplestreams(
  scope: DisposeScope,
  box: Pick<Box, "start">,
  { certificates, image, alias }: SimplestreamsOptions,
): Promise<Simplestreams> {
  const metadata = await readFile(image.metadata);
  const rootfs = await readFile(image.rootfs);
  const files = new Map<string, Buffer>([
    [INDEX, json(index())],
    [PRODUCTS, json(products(metadata, rootfs, alias))],
    ["/lxd.tar.xz", metadata],
  ]);
  const options = {
    cert: await readFile(certificates.certificate),
    key: await readFile(certificates.key),
  };
  const served: Simplestreams = { url: "", seen: [], beforeChunk: () => undefined };
  const server = createServer(options, (request, response) => {
    const path = request.url ?? "";
    served.seen.push(path);
    const send = async (): Promise<void> => {
      const file = path === "/rootfs.tar.xz" ? rootfs : files.get(path);
      if (file === undefined) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { "content-length": file.length });
      for (let at = 0; at < file.length; at += CHUNK_BYTES) {
        if (file === rootfs) await served.beforeChunk(at / file.length);
        response.write(file.subarray(at, at + CHUNK_BYTES));
      }
      response.end();
    };
    send().catch(() => response.destroy());
  });
  const socketPath = join(await tempDir(scope), "images.sock");
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  scope.defer(() => end(server));
  const carrier = await box.start([process.execPath, "-e", CARRIER, socketPath], { timeoutMs: LIFETIME_MS });
  scope.use(carrier);
  const told = await carrier.waitForOutput(/port=\d+\n/);
  return Object.assign(served, { url: `https://127.0.0.1:${told.trim().slice("port=".length)}` });
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const product = `berthtest:1:${architecture}:default`;

const index = (): unknown => ({
  format: "index:1.0",
  index: {
    images: {
      datatype: "image-downloads",
      format: "products:1.0",
      path: PRODUCTS.slice(1),
      products: [product],
    },
  },
});

/** The names of the items say which half is which; how it is packed LXD sees for itself. */
function products(metadata: Buffer, rootfs: Buffer, alias: string): unknown {
  const whole = sha256(metadata, rootfs);
  return {
    format: "products:1.0",
    datatype: "image-downloads",
    content_id: "images",
    products: {
      [product]: {
        aliases: alias,
        arch: architecture,
        os: "berthtest",
        release: "1",
        release_title: "1",
        versions: {
          "20260101_00:00": {
            items: {
              "lxd.tar.xz": {
                ftype: "lxd.tar.xz",
                path: "lxd.tar.xz",
                size: metadata.length,
                sha256: sha256(metadata),
                combined_rootxz_sha256: whole,
                combined_sha256: whole,
              },
              "root.tar.xz": {
                ftype: "root.tar.xz",
                path: "rootfs.tar.xz",
                size: rootfs.length,
                sha256: sha256(rootfs),
              },
            },
          },
        },
      },
    },
  };
}

function sha256(...parts: readonly Buffer[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
