// --mount: `type=bind,src=/tmp,dst=/host,options=rbind:ro`.
import type { SpecMount } from "../../api/client/spec/oci.js";
import { UsageError } from "./exit-status.js";

/** @throws UsageError for an unknown key or a missing destination. */
export function parseMount(text: string): SpecMount {
  const mount: SpecMount = { destination: "", type: "", source: "", options: [] };
  for (const field of splitFields(text)) {
    const at = field.indexOf("=");
    const [key, value] = at < 0 ? [field, undefined] : [field.slice(0, at), field.slice(at + 1)];
    if (value === undefined) throw new UsageError(`invalid mount specification "${text}": expected key=value`);
    switch (key) {
      case "type":
        mount.type = value;
        break;
      case "source":
      case "src":
        mount.source = value;
        break;
      case "destination":
      case "dst":
        mount.destination = value;
        break;
      case "options":
        mount.options = value.split(":");
        break;
      default:
        throw new UsageError(`mount option "${key}" is not supported`);
    }
  }
  if (mount.destination === "") throw new UsageError(`invalid mount specification "${text}": dst is missing`);
  return mount;
}

/**
 * The fields of one line of CSV, as Go reads it: a field in quotes keeps its commas, and `""` in it is one quote; other fields hold
 * no quotes.
 */
function splitFields(text: string): string[] {
  const field = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|$)/y;
  const fields: string[] = [];
  for (let separator = ","; separator !== ""; ) {
    const match = field.exec(text);
    if (match === null) throw new UsageError(`invalid mount specification "${text}": a quote at the wrong place`);
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    separator = match[3] ?? "";
  }
  return fields;
}
