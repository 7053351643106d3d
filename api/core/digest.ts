// Content digests: `<algorithm>:<lower-case hex>`.
// @source opencontainers/go-digest; the three reasons are what containerd prints
import { invalidArgument } from "./errors.js";

const FORM = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
/** In the order of their length. */
export const DIGEST_ALGORITHMS = ["sha256", "sha384", "sha512"] as const;
export type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number];

const HEX_LENGTH = new Map<string, number>([
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

/** The algorithm in front of a digest, whether or not the rest is well formed; undefined for one that is unknown. */
export function digestAlgorithm(digest: string): DigestAlgorithm | undefined {
  return DIGEST_ALGORITHMS.find((algorithm) => digest.startsWith(`${algorithm}:`));
}
