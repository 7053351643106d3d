// containerd's grammar of identifiers: namespaces, container, task, exec and sandbox ids, and the components of event topics.
// @source containerd pkg/identifiers/validate.go
import { ContainerdError, invalidArgument } from "./errors.js";
import { quote } from "./quote.js";

export const MAX_IDENTIFIER_BYTES = 76;
const PATTERN = /^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$/;
const PATTERN_TEXT = "^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$";

/** @throws invalid_argument unless `id` is 1 to 76 bytes of letters and digits with single `.`, `_`, `-` between them. */
export function validateIdentifier(id: string): void {
  if (id.length === 0) throw invalidArgument("identifier must not be empty");
  if (Buffer.byteLength(id) > MAX_IDENTIFIER_BYTES) {
    throw invalidArgument(`identifier ${quote(id)} greater than maximum length (${MAX_IDENTIFIER_BYTES} characters)`);
  }
  if (!PATTERN.test(id)) throw invalidArgument(`identifier ${quote(id)} must match ${PATTERN_TEXT}`);
}

/** The same check as a predicate. */
export function isIdentifier(id: string): boolean {
  try {
    validateIdentifier(id);
    return true;
  } catch (error) {
    if (error instanceof ContainerdError) return false;
    throw error;
  }
}
