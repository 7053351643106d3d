// An engine's socket behind TLS, as `dockerd --tlsverify` has it: for who has a certificate of the right authority.

import { once } from "node:events";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import type { DisposeScope } from "../../api/core/dispose.js";
import { makeCertificates } from "./certificates.js";
import { tempDir } from "./temp.js";

export interface SecureEngine {
  /** `https://…`. */
  readonly host: string;
  /** For DOCKER_CERT_PATH. */
  readonly certificates: string;
}

/** Both directions end on their own. It ends with the scope. */
export async function secureEngine(scope: DisposeScope, socketPath: string): Promise<SecureEngine> {
  const made = await makeCertificates(scope);
  const certificates = join(await tempDir(scope), "client");
  await mkdir(certificates);
  await copyFile(made.ca, join(certificates, "ca.pem"));
  await copyFile(made.clientCertificate, join(certificates, "cert.pem"));
  await copyFile(made.clientKey, join(certificates, "key.pem"));
  const [ca, cert, key] = await Promise.all([made.ca, made.certificate, made.key].map((path) => readFile(path)));
  const sockets = new Set<{ destroy(): unknown }>();
  const options = { ca, cert, key, requestCert: true, rejectUnauthorized: true, allowHalfOpen: true };
  const server = createServer(options, (client) => {
    const engine = connect({ path: socketPath, allowHalfOpen: true });
    for (const [socket, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    client.pipe(engine).pipe(client);
  });
  // Also those whose handshake does not come to its end.
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  scope.defer(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  const { port } = server.address() as AddressInfo;
  return { host: `https://127.0.0.1:${port}`, certificates };
}
