// What a container says of the system in it: /etc/os-release, or the file of its distributor.
// @source os-release(5)
import { isNotFound } from "../../api/core/errors.js";
import { OsRelease } from "../../api/gen/vm_tools/tremplin.js";
import type { LxdServer } from "../../runtime/lxd/server.js";
import { openSftp, type Sftp } from "../../runtime/lxd/sftp.js";

const PATHS = ["/etc/os-release", "/usr/lib/os-release"];
const MAX_BYTES = 65_536;

/** By the names that the manual has for them; what is not said is not there. */
export type SystemFacts = ReadonlyMap<string, string>;

/** Whether the container runs or not. Undefined for one that says nothing. @throws not_found without the container. */
export async function readOsRelease(lxd: LxdServer, name: string): Promise<OsRelease | undefined> {
  using sftp = await openSftp(lxd, name);
  const facts = await readSystemFacts(sftp);
  return facts === undefined ? undefined : toOsRelease(facts);
}

export async function readSystemFacts(sftp: Sftp): Promise<SystemFacts | undefined> {
  for (const path of PATHS) {
    try {
      return parseSystemFacts((await sftp.readFile(path, MAX_BYTES)).toString("utf8"));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return undefined;
}

/** Lines that are no assignment count for nothing, as for a shell's reader of the file. */
export function parseSystemFacts(text: string): SystemFacts {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [, key, value] = /^\s*([A-Z0-9_]+)=(.*?)\s*$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, unquoted(value)] as const];
    }),
  );
}

export function toOsRelease(facts: SystemFacts): OsRelease {
  const textOf = (key: string): string => facts.get(key) ?? "";
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
