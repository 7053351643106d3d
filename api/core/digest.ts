// Content digests: `<algorithm>:<lower-case hex>`.
// @source opencontainers/go-digest; the three reasons are what containerd prints
import { invalidArgument } from "./errors.js";

const FORM = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const HEX_LENGTH = new Map([
  ["sha256", 64],
  ["sha384", 96],
  ["sha512", 128],
]);

/** What is wrong with a digest, or undefined. */
export function digestProblem(digest: string): string | undefined {
  if (!FORM.test(digest)) return "invalid checksum digest format";
  const colon = digest.indexOf(":");
  const length = HEX_LENGTH.get(digest.slice(0, colon));
  if (length === undefined) return "unsupported digest algorithm";
  const hex = digest.slice(colon + 1);
  if (hex.length !== length) return "invalid checksum digest length";
  return /^[a-f0-9]+$/.test(hex) ? undefined : "invalid checksum digest format";
}

/** @throws invalid_argument `<subject>: <reason>` unless the digest is well formed. */
export function validateDigest(digest: string, subject: string): void {
  const problem = digestProblem(digest);
  if (problem !== undefined) throw invalidArgument(`${subject}: ${problem}`);
}
