// Payloads of events that are ours alone: JSON, since no client of containerd asks for them.
import type { Any } from "./typeurl.js";

export interface JsonPayload<T> {
  encode(message: T): Any;
  /** @throws SyntaxError for what is no JSON object. */
  decode(bytes: Uint8Array): T;
}

export const jsonPayload = <T extends object>(typeUrl: string): JsonPayload<T> => ({
  encode: (message) => ({ typeUrl, value: Buffer.from(JSON.stringify(message)) }),
  decode: (bytes) => {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new SyntaxError("no JSON object");
    // What is in it is for its daemon to say.
    return value as T;
  },
});
