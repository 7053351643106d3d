// The certificate authorities of the system. Node brings its own list; registries of a company are often signed by one that
// only the system knows, and Go's programs, containerd among them, look there.
// @source Go crypto/x509 root_linux.go
import { readFile } from "node:fs/promises";
import { rootCertificates } from "node:tls";

const FILES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** In PEM: the file that `$SSL_CERT_FILE` names or the first that is there; without any, those that Node knows. */
export async function systemAuthorities(): Promise<readonly string[]> {
  const named = process.env["SSL_CERT_FILE"];
  for (const file of named ? [named] : FILES) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (text.includes("BEGIN CERTIFICATE")) return [text];
  }
  return rootCertificates;
}
