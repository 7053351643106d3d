// What a container says of the system in it: /etc/os-release, or the file of its distributor.
// @source os-release(5)
import { buffer } from "node:stream/consumers";
import { isNotFound, unknownError } from "../../api/core/errors.js";
import { OsRelease } from "../../api/gen/vm_tools/tremplin.js";
import { readFile } from "../../runtime/lxd/files.js";
import { getInstance } from "../../runtime/lxd/instances.js";
import type { LxdServer } from "../../runtime/lxd/server.js";

const PATHS = ["/etc/os-release", "/usr/lib/os-release"];
const MAX_LINKS = 8;
const MAX_BYTES = 65_536;

/** Whether the container runs or not. Undefined for one that says nothing. @throws not_found without the container. */
export async function readOsRelease(lxd: LxdServer, name: string): Promise<OsRelease | undefined> {
  for (const path of PATHS) {
    try {
      return parseOsRelease(await readText(lxd, name, path));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  // LXD says of both alike that they are not there.
  await getInstance(lxd, name);
  return undefined;
}

/** Lines that are no assignment count for nothing, as for a shell's reader of the file. */
export function parseOsRelease(text: string): OsRelease {
  const values = new Map(
    text.split("\n").flatMap((line) => {
      const [, key, value] = /^\s*([A-Z0-9_]+)=(.*?)\s*$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, unquoted(value)] as const];
    }),
  );
  const textOf = (key: string): string => values.get(key) ?? "";
  return OsRelease.fromPartial({
    prettyName: textOf("PRETTY_NAME"),
    name: textOf("NAME"),
    version: textOf("VERSION"),
    versionId: textOf("VERSION_ID"),
    id: textOf("ID"),
  });
}

/** A shell's quotes, and within double ones its escapes. */
function unquoted(value: string): string {
  const [, quote, inner = ""] = /^(["'])(.*)\1$/.exec(value) ?? [];
  if (quote === undefined) return value;
  return quote === "'" ? inner : inner.replace(/\\([\\"$`])/g, "$1");
}

/** LXD looks from the container's own root, so no link leads out of it. */
async function readText(lxd: LxdServer, name: string, path: string, links = 0): Promise<string> {
  const file = await readFile(lxd, name, path);
  if (file.type === "symlink" && links < MAX_LINKS) return await readText(lxd, name, file.target, links + 1);
  if (file.type !== "file") throw unknownError(`${path} of container ${name} is no file`);
  const bytes = await buffer(atMost(file.content, path));
  return bytes.toString("utf8");
}

async function* atMost(content: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of content) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_BYTES) throw unknownError(`${path} is longer than ${MAX_BYTES} bytes`);
    yield chunk;
  }
}
