// What a client may write where a path is expected: `file:///log`, `binary:///program?key=value`.
// @source containerd runtime/v2/runc/process/io.go, cio (how an address becomes a path and arguments)
import { unknownError } from "../../api/core/errors.js";

export type StdioAddress =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "program"; readonly path: string; readonly args: readonly string[] };

/** The first value of each key becomes two arguments, in their order. @throws unknown for an address of another kind. */
export function parseStdioAddress(address: string): StdioAddress {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
    // Accepted by containerd and then opened as a file of that name.
    case "fifo":
      return { kind: "path", path: address };
    case "file":
      return { kind: "file", path: pathOf(parseUrl(address)) };
    case "binary": {
      const url = parseUrl(address);
      const keys = [...new Set(url.searchParams.keys())];
      return {
        kind: "program",
        path: pathOf(url),
        args: keys.flatMap((key) => [key, url.searchParams.get(key) ?? ""]),
      };
    }
    default:
      throw unknownError(`unknown STDIO scheme ${scheme}`);
  }
}

function parseUrl(address: string): URL {
  try {
    return new URL(address);
  } catch (error) {
    throw cannotParse(address, error);
  }
}

/** Without what stands before it: there are no other hosts here. */
function pathOf({ href, pathname }: URL): string {
  try {
    const path = decodeURIComponent(pathname);
    if (path.startsWith("/") && !path.includes("\0")) return path;
  } catch (error) {
    throw cannotParse(href, error);
  }
  throw cannotParse(href, new Error("no absolute path"));
}

const cannotParse = (address: string, error: unknown): Error =>
  unknownError(
    `unable to parse stdout uri: parse ${JSON.stringify(address)}: ${error instanceof Error ? error.message : String(error)}`,
    error,
  );
