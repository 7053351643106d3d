// Certificates made by openssl for one test: an authority, a server on loopback, a client.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { runProgram } from "./program.js";
import { tempDir } from "./temp.js";

/** Paths of PEM files. */
export interface Certificates {
  readonly dir: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
  read(path: string): Promise<string>;
}

async function openssl(dir: string, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram("openssl", args, { cwd: dir });
  if (code !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}

/** Makes them in a folder that goes with the scope. */
export async function makeCertificates(scope: DisposeScope): Promise<Certificates> {
  const dir = await tempDir(scope);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await openssl(dir, "req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test authority");
  const signed = async (name: string, usage: string) => {
    const issuer = ["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
    const files = ["-keyout", `${name}.key`, "-out", `${name}.crt`, "-subj", `/CN=${name}`];
    await openssl(dir, "req", "-x509", ...key, ...issuer, ...files, "-addext", `extendedKeyUsage=${usage}`);
  };
  await signed("server", "serverAuth");
  await signed("client", "clientAuth");
  return {
    dir,
    ca: join(dir, "ca.crt"),
    certificate: join(dir, "server.crt"),
    key: join(dir, "server.key"),
    clientCertificate: join(dir, "client.crt"),
    clientKey: join(dir, "client.key"),
    read: (path) => readFile(path, "utf8"),
  };
}
