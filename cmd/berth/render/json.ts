// JSON with 64-bit integers as what they are: numbers, every digit kept.

/** `indent` spaces a level, 0 for one line. Members that are undefined are left out; Maps are objects; bytes are base64. */
export function renderJson(value: unknown, indent: number, level = 0): string {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString("base64"));
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => renderJson(item, indent, level + 1));
    return bracket("[", items, "]", indent, level);
  }
  const entries: [string, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
  const members = entries
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${JSON.stringify(key)}:${indent > 0 ? " " : ""}${renderJson(member, indent, level + 1)}`);
  return bracket("{", members, "}", indent, level);
}

function bracket(open: string, items: readonly string[], close: string, indent: number, level: number): string {
  if (items.length === 0) return open + close;
  if (indent === 0) return `${open}${items.join(",")}${close}`;
  const inner = " ".repeat(indent * (level + 1));
  return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${" ".repeat(indent * level)}${close}`;
}
