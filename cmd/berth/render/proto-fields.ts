// Generated messages as plain records under the names of their .proto files.

/** Set fields only; a message that is there is shown even when empty. */
export function protoFields(message: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message)
      .filter(([name, value]) => name !== "_unknownFields" && isSet(value))
      .map(([name, value]) => [toProtoName(name), plain(value)]),
  );
}

function isSet(value: unknown): boolean {
  return !(
    value === undefined ||
    value === 0n ||
    value === 0 ||
    value === "" ||
    value === false ||
    (Array.isArray(value) && value.length === 0)
  );
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array) ? protoFields(value) : value;
}

function toProtoName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
