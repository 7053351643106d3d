// The description of an image: of its YAML, which may be JSON, no more is read than the architecture.
import * as z from "zod";

const jsonSchema = z.object({ architecture: z.string() });
/** At the margin, so on the highest level; plain or quoted, and perhaps with a comment behind it. */
const LINE = /^(["']?)architecture\1[ \t]*:[ \t]+(?:"([\w.-]+)"|'([\w.-]+)'|([\w.-]+))[ \t]*(?:#.*)?\r?$/m;

/** By LXD's names: Debian has others for some. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["amd64", "x86_64"],
  ["i386", "i686"],
  ["i586", "i686"],
  ["arm64", "aarch64"],
  ["armhf", "armv7l"],
  ["armel", "armv7l"],
]);

/** As LXD calls it; undefined when the text does not tell. */
export function architectureOf(text: string): string | undefined {
  const name = ofJson(text) ?? ofLine(text);
  return name === undefined ? undefined : (OTHER_NAMES.get(name) ?? name);
}

function ofJson(text: string): string | undefined {
  try {
    return jsonSchema.parse(JSON.parse(text)).architecture;
  } catch {
    return undefined;
  }
}

function ofLine(text: string): string | undefined {
  const [, , ...found] = LINE.exec(text) ?? [];
  return found.find((name) => name !== undefined);
}
