// The rules for labels: their size, and that a label with an empty value does not exist.
// @source containerd pkg/labels/validate.go
import { invalidArgument } from "./errors.js";

/**
 * Labels by key. Key and value take 4096 bytes together at most, except in a lease's. To store an empty value is to remove the
 * label.
 */
export type Labels = Readonly<Record<string, string>>;

/** Of a key and its value together. */
export const MAX_LABEL_BYTES = 4096;
const SHOWN_KEY_BYTES = 64;

/** @throws invalid_argument when key and value together exceed 4096 bytes, or the key of a non-empty value is empty. */
export function validateLabel(key: string, value: string): void {
  const sizeBytes = Buffer.byteLength(key) + Buffer.byteLength(value);
  if (sizeBytes > MAX_LABEL_BYTES) {
    const shown = Buffer.from(key).subarray(0, SHOWN_KEY_BYTES).toString();
    throw invalidArgument(
      `label key and value length (${sizeBytes} bytes) greater than maximum size (${MAX_LABEL_BYTES} bytes), key: ${shown}`,
    );
  }
  if (key === "" && value !== "") throw invalidArgument("label key must not be empty");
}

/** @throws invalid_argument for the first label that breaks a rule. */
export function validateLabels(labels: Labels): void {
  for (const [key, value] of Object.entries(labels)) validateLabel(key, value);
}

/** The labels as they are stored: entries with an empty value are gone. */
export function storedLabels(labels: Labels): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));
}
